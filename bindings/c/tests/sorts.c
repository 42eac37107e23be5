/* Sorting and searching: right, or the array as it was. */
#include "check.h"

#define COUNT 300

/* Fills an array with numbers in no order, each of them several times. */
static void shuffle(int *array) {
    unsigned at, state = 12345;
    for (at = 0; at < COUNT; at++) {
        state = state * 1103515245u + 12345u;
        array[at] = (int)(state >> 16) % 100 - 50;
    }
}

static int by_value(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static const char by_address[] =
    "(module (memory (export \"memory\") 1)"
    "  (func (export \"compare\") (param i32 i32) (result i32)"
    "    (i32.sub (i32.load (local.get 0)) (i32.load (local.get 1)))))";

static void an_array_is_sorted_in_place_by_each_way(void) {
    static const unsigned ways[] = {0, CALLBOX_QSORT, CALLBOX_STABLE, CALLBOX_VERIFY_FULL};
    callbox_callback *callbacks[2];
    int array[COUNT], oracle[COUNT];
    size_t way, which;
    callbacks[0] = ascending();
    callbacks[1] = callback_of(by_address, "compare", INTS);
    shuffle(oracle);
    qsort(oracle, COUNT, sizeof *oracle, by_value);
    for (which = 0; which < 2; which++)
        for (way = 0; way < 4; way++) {
            shuffle(array);
            OK(callbox_sort(callbacks[which], array, COUNT, sizeof *array, ways[way]));
            EXPECT(memcmp(array, oracle, sizeof array) == 0);
        }
    OK(callbox_sort(callbacks[0], array, COUNT, sizeof *array, CALLBOX_REVERSE));
    for (way = 0; way < COUNT; way++)
        EXPECT(array[way] == oracle[COUNT - 1 - way]);
    callbox_callback_free(callbacks[0]);
    callbox_callback_free(callbacks[1]);
}

/* Whether `array` is as `shuffle` makes it. */
static int untouched(const int *array) {
    int before[COUNT];
    shuffle(before);
    return memcmp(array, before, sizeof before) == 0;
}

static void a_guest_that_traps_or_never_ends_leaves_the_array_as_it_was(void) {
    static const struct {
        const char *guest;
        int status;
        const char *words, *limit;
    } rows[] = {
        {"unreachable", CALLBOX_GUEST_FAILED, "unreachable", NULL},
        {"out-of-bounds", CALLBOX_GUEST_FAILED, "out of bounds memory access", NULL},
        {"divides-by-zero", CALLBOX_GUEST_FAILED, "divide by zero", NULL},
        {"recursion", CALLBOX_GUEST_FAILED, "stack overflow", NULL},
        {"loop", CALLBOX_LIMIT, "spent all its fuel", "fuel"},
    };
    static const unsigned ways[] = {0, CALLBOX_QSORT};
    size_t row, way;
    for (row = 0; row < sizeof rows / sizeof *rows; row++)
        for (way = 0; way < 2; way++) {
            callbox_callback *callback = hostile(rows[row].guest);
            int array[COUNT];
            shuffle(array);
            EXPECT(callbox_sort(callback, array, COUNT, sizeof *array, ways[way]) == rows[row].status);
            EXPECT(untouched(array) && says(rows[row].words));
            EXPECT((callbox_last_limit() == NULL) == (rows[row].limit == NULL));
            EXPECT(rows[row].limit == NULL || strcmp(callbox_last_limit(), rows[row].limit) == 0);
            callbox_callback_free(callback);
        }
}

static void a_guest_that_lies_is_found_out_and_the_array_is_as_it_was(void) {
    static const char *const liars[] = {"always-less", "always-greater", "alternating", "cyclic", "random"};
    static const unsigned ways[] = {0, CALLBOX_QSORT, CALLBOX_STABLE, CALLBOX_VERIFY_FULL};
    size_t liar, way;
    for (liar = 0; liar < sizeof liars / sizeof *liars; liar++)
        for (way = 0; way < 4; way++) {
            callbox_callback *callback = hostile(liars[liar]);
            int array[COUNT];
            shuffle(array);
            EXPECT(callbox_sort(callback, array, COUNT, sizeof *array, ways[way]) == CALLBOX_CONTRADICTION);
            EXPECT(untouched(array));
            callbox_callback_free(callback);
        }
}

static void limits_of_modules_and_arrays_are_named(void) {
    callbox_sandbox *sandbox = sandbox_with("module_text", 10);
    callbox_guest *guest;
    callbox_callback *callback;
    int array[COUNT];
    EXPECT(callbox_guest_load_bytes(sandbox, "long", "(module (memory 1))", 19, &guest) == CALLBOX_LIMIT);
    EXPECT(strcmp(callbox_last_limit(), "module_text") == 0);
    callbox_sandbox_free(sandbox);

    sandbox = sandbox_with("array", 100);
    OK(callbox_guest_bundled(sandbox, "i32", &guest));
    OK(callbox_callback_new(guest, "compare_i32", INTS, &callback));
    shuffle(array);
    EXPECT(callbox_sort(callback, array, COUNT, sizeof *array, CALLBOX_QSORT) == CALLBOX_LIMIT);
    EXPECT(untouched(array) && strcmp(callbox_last_limit(), "array") == 0);
    callbox_callback_free(callback);
    callbox_guest_free(guest);
    callbox_sandbox_free(sandbox);
}

static const char endless[] =
    "(module (memory (export \"memory\") 1)"
    "  (func (export \"compare\") (param i32 i32) (result i32) (loop $ever (br $ever)) (unreachable)))";

static int yes(void *asked) {
    ++*(int *)asked;
    return 1;
}

static void a_program_can_interrupt_a_guest(void) {
    callbox_config *config;
    callbox_sandbox *sandbox;
    callbox_callback *callback;
    const char *signals = getenv("CALLBOX_SIGNALS");
    int a = 1, order = 7, asked = 0;
    OK(callbox_config_new(&config));
    OK(callbox_config_switch(config, "signals_based_traps", signals == NULL || strcmp(signals, "0") != 0));
    OK(callbox_config_interrupt(config, yes, &asked));
    OK(callbox_sandbox_new(config, &sandbox));
    callbox_config_free(config);
    callback = callback_in(sandbox, endless, "compare", INTS);
    EXPECT(callbox_compare(callback, &a, sizeof a, &a, sizeof a, &order) == CALLBOX_INTERRUPTED);
    EXPECT(asked > 0 && order == 7 && says("interrupted"));
    callbox_callback_free(callback);
}

static void two_elements_are_compared(void) {
    callbox_callback *version = bundled("version", "compare_bytes", "int (const void *, const void *)");
    int order = 7, a = 1;
    OK(callbox_compare(version, "v1.10", 5, "v1.9", 4, &order));
    EXPECT(order == 1);
    OK(callbox_compare(version, "v1.9", 4, "v1.10", 5, &order));
    EXPECT(order == -1);
    OK(callbox_compare(version, NULL, 0, "", 0, &order));
    EXPECT(order == 0);
    callbox_callback_free(version);
    version = ascending();
    EXPECT(callbox_compare(version, &a, sizeof a, &a, 3, &order) == CALLBOX_INVALID);
    callbox_callback_free(version);
}

static const char releases[] = "v1.10v1.9v1.10v1.2";
static const int64_t offsets[] = {0, 5, 9, 14, 18};
static const int32_t short_offsets[] = {0, 5, 9, 14, 18};

static int are(const uint32_t *numbers, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    return numbers[0] == a && numbers[1] == b && numbers[2] == c && numbers[3] == d;
}

static void strings_between_offsets_are_put_in_order_ranked_and_searched(void) {
    callbox_callback *version = bundled("version", "compare_bytes", "int (const void *, const void *)");
    static const int64_t cuts[] = {0, 4, 6}, wrong[] = {0, 5, 4, 14, 18};
    callbox_items items = callbox_strings(releases, 18, offsets, 4);
    callbox_items splitters = callbox_strings("v1.9v2", 6, cuts, 2);
    uint32_t numbers[4];
    OK(callbox_argsort(version, &items, CALLBOX_STABLE, numbers));
    EXPECT(are(numbers, 3, 1, 0, 2));
    OK(callbox_argsort(version, &items, CALLBOX_STABLE | CALLBOX_REVERSE, numbers));
    EXPECT(are(numbers, 0, 2, 1, 3));
    OK(callbox_rank(version, &items, 0, numbers));
    EXPECT(are(numbers, 2, 1, 2, 0));
    OK(callbox_search(version, &splitters, &items, 0, numbers));
    EXPECT(are(numbers, 1, 0, 1, 0));
    OK(callbox_search(version, &splitters, &items, CALLBOX_RIGHT, numbers));
    EXPECT(are(numbers, 1, 1, 1, 0));
    EXPECT(callbox_search(version, &items, &items, 0, numbers) == CALLBOX_INVALID);
    EXPECT(says("not in the order"));

    EXPECT(callbox_argsort(version, &items, 0, numbers) == CALLBOX_OK);
    items.offsets32 = short_offsets;
    EXPECT(callbox_argsort(version, &items, 0, numbers) == CALLBOX_INVALID && says("only one of them"));
    items.offsets64 = NULL;
    OK(callbox_argsort(version, &items, CALLBOX_STABLE, numbers));
    EXPECT(are(numbers, 3, 1, 0, 2));
    items.offsets32 = NULL;
    items.offsets64 = wrong;
    EXPECT(callbox_argsort(version, &items, 0, numbers) == CALLBOX_INVALID && says("offset 2 is 4"));
    items.offsets64 = offsets;
    items.length = 17;
    EXPECT(callbox_argsort(version, &items, 0, numbers) == CALLBOX_INVALID);
    items.offsets64 = (const int64_t *)(const void *)(releases + 1);
    if ((uintptr_t)items.offsets64 % 4 != 0)
        EXPECT(callbox_argsort(version, &items, 0, numbers) == CALLBOX_INVALID && says("aligned"));
    callbox_callback_free(version);
}

static void records_are_put_in_order_and_ranked(void) {
    callbox_callback *callback = ascending();
    int array[] = {7, -1, 7, 3};
    uint32_t numbers[4];
    callbox_items items = callbox_records(array, 4, sizeof *array);
    OK(callbox_argsort(callback, &items, CALLBOX_STABLE, numbers));
    EXPECT(are(numbers, 1, 3, 0, 2));
    OK(callbox_rank(callback, &items, 0, numbers));
    EXPECT(are(numbers, 2, 0, 2, 1));
    items.length--;
    EXPECT(callbox_argsort(callback, &items, 0, numbers) == CALLBOX_INVALID && says("`items->length`"));
    callbox_callback_free(callback);
}

static void a_result_that_is_refused_is_not_stored(void) {
    callbox_callback *callback = hostile("unreachable");
    int array[] = {4, 3, 2, 1};
    uint32_t numbers[] = {9, 9, 9, 9};
    callbox_items items = callbox_records(array, 4, sizeof *array);
    EXPECT(callbox_argsort(callback, &items, 0, numbers) == CALLBOX_GUEST_FAILED);
    EXPECT(callbox_rank(callback, &items, 0, numbers) == CALLBOX_GUEST_FAILED && are(numbers, 9, 9, 9, 9));
    callbox_callback_free(callback);
}

static void a_check_names_the_items_that_answers_contradict_each_other_about(void) {
    callbox_callback *callback = hostile("cyclic");
    int array[] = {0, 1, 2};
    callbox_items items = callbox_records(array, 3, sizeof *array);
    callbox_contradiction found;
    EXPECT(callbox_check(callback, &items, 10, &found) == CALLBOX_CONTRADICTION);
    EXPECT(found.count == 3 && found.items[0] + found.items[1] + found.items[2] == 3);
    EXPECT(says("\"compare\" contradicts itself: item ") && says("and yet item"));
    EXPECT(callbox_check(callback, &items, 10, NULL) == CALLBOX_CONTRADICTION);
    callbox_callback_free(callback);

    callback = ascending();
    EXPECT(callbox_check(callback, &items, 10, &found) == CALLBOX_OK && found.count == 0);
    callbox_callback_free(callback);
}

int main(void) {
    RUN(an_array_is_sorted_in_place_by_each_way);
    RUN(a_guest_that_traps_or_never_ends_leaves_the_array_as_it_was);
    RUN(a_guest_that_lies_is_found_out_and_the_array_is_as_it_was);
    RUN(limits_of_modules_and_arrays_are_named);
    RUN(a_program_can_interrupt_a_guest);
    RUN(two_elements_are_compared);
    RUN(strings_between_offsets_are_put_in_order_ranked_and_searched);
    RUN(records_are_put_in_order_and_ranked);
    RUN(a_result_that_is_refused_is_not_stored);
    RUN(a_check_names_the_items_that_answers_contradict_each_other_about);
    return report();
}
