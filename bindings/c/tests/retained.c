/* Function pointers that C keeps, some of them too long. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define VOIDS "int (const void *, const void *)"

static void a_retained_comparator_answers_until_it_is_freed_and_then_with_0(void) {
    callbox_callback *callback = ascending();
    callbox_fn pointer;
    callbox_compare_fn compare;
    callbox_retained *retained;
    int one = 1, two = 2;
    uint64_t late = callbox_late_calls();
    OK(callbox_retain(callback, &pointer, &retained));
    callbox_callback_free(callback);
    compare = (callbox_compare_fn)pointer;
    EXPECT(compare(&one, &two) == -1 && compare(&two, &one) == 1 && compare(&two, &two) == 0);
    EXPECT(callbox_retained_calls(retained) == 3 && table(INTS) == 1);
    callbox_retained_free(retained);
    EXPECT(table(NULL) == 0);
    EXPECT(compare(&one, &two) == 0 && compare(NULL, NULL) == 0);
    EXPECT(callbox_late_calls() == late + 2);
}

static void a_comparator_of_records_is_retained_with_their_width(void) {
    callbox_callback *callback = bundled("version", "compare_bytes", VOIDS);
    callbox_fn pointer;
    callbox_compare_fn compare;
    callbox_retained *retained;
    EXPECT(callbox_retain(callback, &pointer, &retained) == CALLBOX_INVALID);
    OK(callbox_retain_records(callback, 4, &compare, &retained));
    EXPECT(compare("1.10", "1.9 ") == 1 && compare("1.9 ", "1.10") == -1);
    callbox_retained_retire(retained);
    EXPECT(compare("1.10", "1.9 ") == 0 && table(NULL) == 0);
    callbox_callback_free(callback);
}

static const char kinds[] =
    "(module (memory (export \"memory\") 1)"
    "  (func (export \"half\") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5)))"
    "  (func (export \"length\") (param $text i32) (param $most i32) (result i32) (local $at i32)"
    "    (loop $next"
    "      (if (i32.load8_u (i32.add (local.get $text) (local.get $at)))"
    "        (then (local.set $at (i32.add (local.get $at) (i32.const 1))) (br $next))))"
    "    (if (i32.gt_u (local.get $at) (local.get $most)) (then (unreachable)))"
    "    (local.get $at))"
    "  (func (export \"area\") (param $point i32) (result i32)"
    "    (i32.mul (i32.load (local.get $point)) (i32.load offset=4 (local.get $point))))"
    "  (func (export \"double\") (param $at i32)"
    "    (i32.store (local.get $at) (i32.mul (i32.load (local.get $at)) (i32.const 2)))))";

struct point {
    int x, y;
};

static void prototypes_of_any_kind_are_retained(void) {
    callbox_callback *callback = callback_of(kinds, "half", "double (double)");
    callbox_fn pointer;
    callbox_retained *retained;
    struct point point = {6, 7};
    int number = 21;

    OK(callbox_retain(callback, &pointer, &retained));
    EXPECT(((double (*)(double))pointer)(3.0) == 1.5);
    callbox_retained_free(retained);
    EXPECT(((double (*)(double))pointer)(3.0) == 0.0);
    callbox_callback_free(callback);

    callback = callback_of(kinds, "length", "int (const char *, int)");
    OK(callbox_retain(callback, &pointer, &retained));
    EXPECT(((int (*)(const char *, int))pointer)("seven!!", 10) == 7);
    callbox_retained_free(retained);
    callbox_callback_free(callback);

    callback = callback_of(kinds, "area", "int (struct point { int x; int y; })");
    OK(callbox_retain(callback, &pointer, &retained));
    EXPECT(((int (*)(struct point))pointer)(point) == 42);
    callbox_retained_free(retained);
    callbox_callback_free(callback);

    callback = callback_of(kinds, "double", "void (int *)");
    OK(callbox_retain(callback, &pointer, &retained));
    ((void (*)(int *))pointer)(&number);
    EXPECT(number == 42);
    callbox_retained_free(retained);
    callbox_callback_free(callback);
}

static void after_a_failure_c_gets_the_fallback_until_it_is_taken(void) {
    callbox_callback *callback = callback_of(kinds, "length", "int (const char *, int)");
    callbox_fn pointer;
    callbox_retained *retained;
    int (*length)(const char *, int);
    EXPECT(callbox_callback_fallback(callback, INT64_MAX) == CALLBOX_INVALID);
    OK(callbox_callback_fallback(callback, -7));
    OK(callbox_retain(callback, &pointer, &retained));
    length = (int (*)(const char *, int))pointer;
    errno = 77;
    EXPECT(length("long", 3) == -7 && length("ok", 3) == -7 && errno == 77);
    EXPECT(callbox_retained_take_failure(retained) == CALLBOX_GUEST_FAILED && says("\"length\" trapped"));
    EXPECT(callbox_retained_take_failure(retained) == CALLBOX_OK && length("ok", 3) == 2);
    callbox_retained_free(retained);
    EXPECT(length("ok", 3) == -7);
    callbox_callback_free(callback);
}

static int note(int status, const char *message, void *noted) {
    EXPECT(strstr(message, "trapped") != NULL);
    *(int *)noted = status;
    return 0;
}

static void a_hook_sees_each_failure_and_may_consume_it(void) {
    callbox_callback *callback = callback_of(kinds, "length", "int (const char *, int)");
    callbox_fn pointer;
    callbox_retained *retained;
    int noted = 0;
    OK(callbox_callback_on_failure(callback, note, &noted));
    OK(callbox_retain(callback, &pointer, &retained));
    EXPECT(((int (*)(const char *, int))pointer)("long", 3) == 0 && noted == CALLBOX_GUEST_FAILED);
    EXPECT(((int (*)(const char *, int))pointer)("ok", 3) == 2);
    OK(callbox_retained_take_failure(retained));
    callbox_retained_free(retained);
    callbox_callback_free(callback);
}

/* A C library that keeps a comparator, and calls a destructor when it lets go. */
struct collation {
    callbox_compare_fn compare;
    void *user_data;
    void (*destructor)(void *);
};

static void a_library_ends_a_lease_by_its_destructor_once(void) {
    callbox_callback *callback = ascending();
    callbox_fn pointer;
    callbox_retained *retained;
    struct collation collation;
    int one = 1, two = 2;
    OK(callbox_retain(callback, &pointer, &retained));
    callbox_callback_free(callback);
    collation.compare = (callbox_compare_fn)pointer;
    collation.user_data = callbox_retained_into_user_data(retained);
    collation.destructor = callbox_release;
    EXPECT(collation.user_data != NULL && table(NULL) == 1 && collation.compare(&one, &two) == -1);
    collation.destructor(&collation); /* anything else does nothing */
    EXPECT(table(NULL) == 1);
    collation.destructor(collation.user_data);
    EXPECT(table(NULL) == 0 && collation.compare(&one, &two) == 0);
    collation.destructor(collation.user_data);
    EXPECT(table(NULL) == 0);
}

static callbox_compare_fn shared;

static void *call_often(void *right) {
    int at, low, high;
    for (at = 0; at < 1000; at++) {
        low = at;
        high = at + 1;
        *(int *)right += shared(&low, &high) == -1 && shared(&high, &low) == 1;
    }
    return NULL;
}

static void threads_call_one_pointer(void) {
    callbox_callback *callback = ascending();
    callbox_fn pointer;
    callbox_retained *retained;
    pthread_t threads[4];
    int right[4] = {0, 0, 0, 0}, at;
    OK(callbox_retain(callback, &pointer, &retained));
    shared = (callbox_compare_fn)pointer;
    for (at = 0; at < 4; at++)
        EXPECT(pthread_create(&threads[at], NULL, call_often, &right[at]) == 0);
    for (at = 0; at < 4; at++)
        EXPECT(pthread_join(threads[at], NULL) == 0 && right[at] == 1000);
    EXPECT(callbox_retained_calls(retained) == 8000);
    callbox_retained_free(retained);
    callbox_callback_free(callback);
}

/* Ends a child: killed if all is as it should be, as otherwise valgrind would find that nobody owns any more
 * what belonged to the parent's other threads. */
static int in_a_child(callbox_callback *callback) {
    callbox_callback *own;
    int array[] = {2, 1};
    if (callbox_sort(callback, array, 2, sizeof *array, 0) != CALLBOX_INVALID || !says("forked"))
        return 1;
    own = ascending();
    if (array[0] != 2 || callbox_sort(own, array, 2, sizeof *array, 0) != CALLBOX_OK || array[0] != 1)
        return 2;
    callbox_callback_free(own);
    callbox_callback_free(callback);
    return raise(SIGKILL);
}

static void a_forked_child_is_refused_old_guests_and_makes_its_own(void) {
    callbox_callback *callback = ascending();
    int array[] = {2, 1}, status = -1;
    pid_t child;
    OK(callbox_sort(callback, array, 2, sizeof *array, 0));
    child = fork();
    if (child == 0)
        _exit(in_a_child(callback));
    EXPECT(child > 0 && waitpid(child, &status, 0) == child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    OK(callbox_sort(callback, array, 2, sizeof *array, CALLBOX_REVERSE));
    EXPECT(array[0] == 2);
    callbox_callback_free(callback);
}

static void print(const char *text, size_t length, void *printed) {
    strncat((char *)printed, text, length);
}

static void a_guest_prints_where_it_is_granted(void) {
    const char *signals = getenv("CALLBOX_SIGNALS");
    callbox_config *config;
    callbox_sandbox *sandbox;
    callbox_guest *guest;
    callbox_callback *callback;
    char path[512], printed[64] = "";
    int a = 5, b = 1, order;
    snprintf(path, sizeof path, "%s/wat/good/tutorial.wat", REPOSITORY);
    sandbox = sandbox_with(NULL, 0);
    EXPECT(callbox_guest_load(sandbox, path, &guest) == CALLBOX_REFUSED && says("callbox.print"));
    callbox_sandbox_free(sandbox);
    OK(callbox_config_new(&config));
    OK(callbox_config_switch(config, "signals_based_traps", signals == NULL || strcmp(signals, "0") != 0));
    OK(callbox_config_print(config, print, printed));
    OK(callbox_sandbox_new(config, &sandbox));
    callbox_config_free(config);
    OK(callbox_guest_load(sandbox, path, &guest));
    OK(callbox_callback_new(guest, "ascending", INTS, &callback));
    OK(callbox_compare(callback, &a, sizeof a, &b, sizeof b, &order));
    EXPECT(order == 1 && strcmp(printed, "5 1\n") == 0);
    callbox_callback_free(callback);
    callbox_guest_free(guest);
    callbox_sandbox_free(sandbox);
}

int main(void) {
    RUN(a_retained_comparator_answers_until_it_is_freed_and_then_with_0);
    RUN(a_comparator_of_records_is_retained_with_their_width);
    RUN(prototypes_of_any_kind_are_retained);
    RUN(after_a_failure_c_gets_the_fallback_until_it_is_taken);
    RUN(a_hook_sees_each_failure_and_may_consume_it);
    RUN(a_library_ends_a_lease_by_its_destructor_once);
    RUN(threads_call_one_pointer);
    RUN(a_forked_child_is_refused_old_guests_and_makes_its_own);
    RUN(a_guest_prints_where_it_is_granted);
    return report();
}
