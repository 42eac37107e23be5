/* Function pointers lent with an array. */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>

static void an_array_is_sorted_by_qsort_and_qsort_r_through_a_lease(void) {
    callbox_callback *callback = ascending();
    callbox_lease lease;
    int array[] = {5, 1, 7, 33, 99, -4};
    OK(callbox_lend(callback, array, 6, sizeof *array, &lease));
    EXPECT(lease.count == 6 && lease.width == sizeof *array && lease.base != (void *)array);
    qsort(lease.base, lease.count, lease.width, lease.pointer);
    EXPECT(array[0] == 5);
    OK(callbox_lease_finish(&lease));
    EXPECT(array[0] == -4 && array[1] == 1 && array[5] == 99 && lease.number == 0);

    array[0] = 50;
    OK(callbox_lend(callback, array, 6, sizeof *array, &lease));
    callbox_callback_free(callback); /* the lease keeps what it needs */
    qsort_r(lease.base, lease.count, lease.width, lease.pointer_with_context, lease.context);
    OK(callbox_lease_finish(&lease));
    EXPECT(array[0] == 1 && array[4] == 50);
}

static void a_lease_that_is_dropped_or_has_failed_leaves_the_array_as_it_was(void) {
    callbox_callback *callback = ascending();
    callbox_lease lease;
    int array[] = {3, 2, 1};
    OK(callbox_lend(callback, array, 3, sizeof *array, &lease));
    qsort(lease.base, lease.count, lease.width, lease.pointer);
    OK(callbox_lease_drop(&lease));
    EXPECT(array[0] == 3 && array[2] == 1);
    callbox_callback_free(callback);

    callback = hostile("unreachable");
    OK(callbox_lend(callback, array, 3, sizeof *array, &lease));
    qsort(lease.base, lease.count, lease.width, lease.pointer);
    EXPECT(callbox_lease_finish(&lease) == CALLBOX_GUEST_FAILED && says("unreachable"));
    EXPECT(array[0] == 3 && array[2] == 1);
    callbox_callback_free(callback);
}

static void liars_behind_a_lease_leave_a_permutation(void) {
    static const char *const liars[] = {"always-less", "always-greater", "alternating",
                                        "cyclic",      "random",         "moody"};
    size_t liar, at;
    for (liar = 0; liar < sizeof liars / sizeof *liars; liar++) {
        callbox_callback *callback = hostile(liars[liar]);
        callbox_lease lease;
        int array[102], sum = 0;
        array[0] = array[101] = 12345;
        for (at = 1; at < 101; at++)
            array[at] = (int)(at * 37 % 101);
        OK(callbox_lend(callback, array + 1, 100, sizeof *array, &lease));
        qsort(lease.base, lease.count, lease.width, lease.pointer);
        OK(callbox_lease_finish(&lease)); /* nobody asked whether they lied */
        for (at = 1; at < 101; at++)
            sum += array[at];
        EXPECT(sum == 5050 && array[0] == 12345 && array[101] == 12345);
        callbox_callback_free(callback);
    }
}

static void a_lease_that_has_ended_is_refused(void) {
    callbox_callback *callback = ascending();
    callbox_lease lease, copy;
    int array[] = {2, 1};
    OK(callbox_lend(callback, array, 2, sizeof *array, &lease));
    copy = lease;
    OK(callbox_lease_finish(&lease));
    EXPECT(callbox_lease_finish(&lease) == CALLBOX_INVALID && says("has ended already"));
    EXPECT(callbox_lease_drop(&lease) == CALLBOX_INVALID);
    EXPECT(callbox_lease_finish(&copy) == CALLBOX_INVALID && says("is not this thread's"));
    callbox_callback_free(callback);
}

static void *finish_elsewhere(void *lease) {
    EXPECT(callbox_lease_finish((callbox_lease *)lease) == CALLBOX_INVALID && says("belongs to another"));
    EXPECT(callbox_lease_drop((callbox_lease *)lease) == CALLBOX_INVALID);
    return NULL;
}

static void a_lease_is_refused_on_another_thread_and_goes_on(void) {
    callbox_callback *callback = ascending();
    callbox_lease lease;
    pthread_t thread;
    int array[] = {2, 1};
    OK(callbox_lend(callback, array, 2, sizeof *array, &lease));
    EXPECT(pthread_create(&thread, NULL, finish_elsewhere, &lease) == 0 && pthread_join(thread, NULL) == 0);
    qsort(lease.base, lease.count, lease.width, lease.pointer);
    OK(callbox_lease_finish(&lease));
    EXPECT(array[0] == 1 && array[1] == 2);
    callbox_callback_free(callback);
}

static int array_of_thread[] = {2, 1};

static void *lend_and_leave(void *pointer) {
    callbox_callback *callback = ascending();
    callbox_lease lease;
    OK(callbox_lend(callback, array_of_thread, 2, sizeof(int), &lease));
    callbox_callback_free(callback);
    *(callbox_compare_fn *)pointer = lease.pointer;
    return NULL;
}

static void leases_of_a_thread_end_with_it(void) {
    callbox_compare_fn pointer = NULL;
    uint64_t late = callbox_late_calls();
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, lend_and_leave, &pointer) == 0 && pthread_join(thread, NULL) == 0);
    EXPECT(table(NULL) == 0 && array_of_thread[0] == 2);
    EXPECT(pointer(&array_of_thread[0], &array_of_thread[1]) == 0 && callbox_late_calls() == late + 1);
}

int main(void) {
    RUN(an_array_is_sorted_by_qsort_and_qsort_r_through_a_lease);
    RUN(a_lease_that_is_dropped_or_has_failed_leaves_the_array_as_it_was);
    RUN(liars_behind_a_lease_leave_a_permutation);
    RUN(a_lease_that_has_ended_is_refused);
    RUN(a_lease_is_refused_on_another_thread_and_goes_on);
    RUN(leases_of_a_thread_end_with_it);
    return report();
}
