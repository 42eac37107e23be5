/* Mistakes of callers, and errno, which no call changes. */
#include "check.h"

#include <errno.h>
#include <pthread.h>

static void a_null_argument_is_a_status_and_a_sentence(void) {
    callbox_config *config;
    callbox_sandbox *sandbox = sandbox_with(NULL, 0);
    callbox_guest *guest;
    callbox_callback *callback = ascending();
    callbox_callback *other;
    callbox_lease lease;
    callbox_fn pointer;
    callbox_compare_fn compare;
    callbox_retained *retained;
    int a = 1, order;
    uint32_t number;
    callbox_items items = callbox_records(&a, 1, sizeof a);
    callbox_items nothing = callbox_records(NULL, 1, sizeof a);
    OK(callbox_config_new(&config));
    OK(callbox_guest_bundled(sandbox, "i32", &guest));

#define REFUSED(call, name)                                                                            \
    EXPECT((call) == CALLBOX_INVALID);                                                                 \
    EXPECT(strcmp(callbox_last_error(), "`" name "` is NULL") == 0)
    REFUSED(callbox_config_new(NULL), "config");
    REFUSED(callbox_config_limit(NULL, "fuel", 1), "config");
    REFUSED(callbox_config_limit(config, NULL, 1), "name");
    REFUSED(callbox_config_switch(NULL, "simd", 1), "config");
    REFUSED(callbox_config_switch(config, NULL, 1), "name");
    REFUSED(callbox_config_print(NULL, NULL, NULL), "config");
    REFUSED(callbox_config_print(config, NULL, NULL), "print");
    REFUSED(callbox_config_interrupt(NULL, NULL, NULL), "config");
    REFUSED(callbox_config_interrupt(config, NULL, NULL), "check");
    REFUSED(callbox_sandbox_new(config, NULL), "sandbox");
    REFUSED(callbox_guest_load(NULL, "x.wasm", &guest), "sandbox");
    REFUSED(callbox_guest_load(sandbox, NULL, &guest), "path");
    REFUSED(callbox_guest_load(sandbox, "x.wasm", NULL), "guest");
    REFUSED(callbox_guest_load_bytes(NULL, "x", "", 0, &guest), "sandbox");
    REFUSED(callbox_guest_load_bytes(sandbox, NULL, "", 0, &guest), "name");
    REFUSED(callbox_guest_load_bytes(sandbox, "x", NULL, 1, &guest), "bytes");
    REFUSED(callbox_guest_load_bytes(sandbox, "x", "", 0, NULL), "guest");
    REFUSED(callbox_guest_bundled(NULL, "i32", &guest), "sandbox");
    REFUSED(callbox_guest_bundled(sandbox, NULL, &guest), "name");
    REFUSED(callbox_guest_bundled(sandbox, "i32", NULL), "guest");
    REFUSED(callbox_callback_new(NULL, "compare_i32", INTS, &other), "guest");
    REFUSED(callbox_callback_new(guest, NULL, INTS, &other), "name");
    REFUSED(callbox_callback_new(guest, "compare_i32", NULL, &other), "prototype");
    REFUSED(callbox_callback_new(guest, "compare_i32", INTS, NULL), "callback");
    REFUSED(callbox_callback_fallback(NULL, 1), "callback");
    REFUSED(callbox_callback_on_failure(NULL, NULL, NULL), "callback");
    REFUSED(callbox_callback_on_failure(callback, NULL, NULL), "hook");
    REFUSED(callbox_compare(NULL, &a, 4, &a, 4, &order), "callback");
    REFUSED(callbox_compare(callback, NULL, 4, &a, 4, &order), "a");
    REFUSED(callbox_compare(callback, &a, 4, NULL, 4, &order), "b");
    REFUSED(callbox_compare(callback, &a, 4, &a, 4, NULL), "order");
    REFUSED(callbox_sort(NULL, &a, 1, 4, 0), "callback");
    REFUSED(callbox_sort(callback, NULL, 1, 4, 0), "base");
    REFUSED(callbox_argsort(NULL, &items, 0, &number), "callback");
    REFUSED(callbox_argsort(callback, NULL, 0, &number), "items");
    REFUSED(callbox_argsort(callback, &items, 0, NULL), "order");
    REFUSED(callbox_argsort(callback, &nothing, 0, &number), "items->bytes");
    REFUSED(callbox_rank(NULL, &items, 0, &number), "callback");
    REFUSED(callbox_rank(callback, NULL, 0, &number), "items");
    REFUSED(callbox_rank(callback, &items, 0, NULL), "ranks");
    REFUSED(callbox_search(NULL, &items, &items, 0, &number), "callback");
    REFUSED(callbox_search(callback, NULL, &items, 0, &number), "splitters");
    REFUSED(callbox_search(callback, &items, NULL, 0, &number), "items");
    REFUSED(callbox_search(callback, &items, &items, 0, NULL), "places");
    REFUSED(callbox_check(NULL, &items, 10, NULL), "callback");
    REFUSED(callbox_check(callback, NULL, 10, NULL), "items");
    REFUSED(callbox_lend(NULL, &a, 1, 4, &lease), "callback");
    REFUSED(callbox_lend(callback, NULL, 1, 4, &lease), "base");
    REFUSED(callbox_lend(callback, &a, 1, 4, NULL), "lease");
    REFUSED(callbox_lease_finish(NULL), "lease");
    REFUSED(callbox_lease_drop(NULL), "lease");
    REFUSED(callbox_retain(NULL, &pointer, &retained), "callback");
    REFUSED(callbox_retain(callback, NULL, &retained), "pointer");
    REFUSED(callbox_retain(callback, &pointer, NULL), "retained");
    REFUSED(callbox_retain_records(NULL, 4, &compare, &retained), "callback");
    REFUSED(callbox_retain_records(callback, 4, NULL, &retained), "pointer");
    REFUSED(callbox_retain_records(callback, 4, &compare, NULL), "retained");
    REFUSED(callbox_retained_take_failure(NULL), "retained");
    REFUSED(callbox_table_visit(NULL, NULL), "visit");

    callbox_callback_free(callback);
    callbox_guest_free(guest);
    callbox_sandbox_free(sandbox);
    callbox_config_free(config);
}

static void freeing_null_does_nothing(void) {
    callbox_config_free(NULL);
    callbox_sandbox_free(NULL);
    callbox_guest_free(NULL);
    callbox_callback_free(NULL);
    callbox_retained_free(NULL);
    callbox_retained_retire(NULL);
    callbox_release(NULL);
    EXPECT(callbox_retained_into_user_data(NULL) == NULL);
    EXPECT(callbox_retained_calls(NULL) == 0);
}

static void text_that_is_not_utf_8_is_refused(void) {
    callbox_sandbox *sandbox = sandbox_with(NULL, 0);
    callbox_guest *guest;
    callbox_callback *callback;
    EXPECT(callbox_guest_bundled(sandbox, "i\xff", &guest) == CALLBOX_INVALID && says("`name` is not UTF-8"));
    EXPECT(callbox_guest_load(sandbox, "\xc3(", &guest) == CALLBOX_INVALID && says("`path` is not UTF-8"));
    OK(callbox_guest_bundled(sandbox, "i32", &guest));
    EXPECT(callbox_callback_new(guest, "compare_i32", "int (\xff)", &callback) == CALLBOX_INVALID);
    EXPECT(says("`prototype` is not UTF-8"));
    callbox_guest_free(guest);
    callbox_sandbox_free(sandbox);
}

static void names_that_do_not_exist_are_refused_with_those_that_do(void) {
    callbox_config *config;
    callbox_sandbox *sandbox = sandbox_with(NULL, 0);
    callbox_guest *guest;
    OK(callbox_config_new(&config));
    EXPECT(callbox_config_limit(config, "fule", 1) == CALLBOX_INVALID);
    EXPECT(says("there is no limit \"fule\"; the limits are fuel, deadline, memory, "));
    EXPECT(callbox_config_switch(config, "threads", 1) == CALLBOX_INVALID && says("signals_based_traps"));
    EXPECT(callbox_guest_bundled(sandbox, "i128", &guest) == CALLBOX_INVALID && says("version"));
    EXPECT(callbox_guest_load(sandbox, "/no/such.wasm", &guest) == CALLBOX_INVALID && says("/no/such.wasm"));
    callbox_sandbox_free(sandbox);
    callbox_config_free(config);
}

static void the_limits_are_those_of_the_header(void) {
    static const char *const names[] = {
        "fuel",      "deadline",    "memory", "array",   "text",       "stack",        "print",
        "table",     "module_size", "locals", "nesting", "types",      "params",       "results",
        "code_size", "module_text", "entries", "functions", "complexity", "declarations", "function_size",
    };
    callbox_config *config;
    const char *name;
    size_t at, more = 0;
    OK(callbox_config_new(&config));
    for (at = 0; at < sizeof names / sizeof *names; at++)
        EXPECT(callbox_config_limit(config, names[at], 1 << 20) == CALLBOX_OK);
    EXPECT(callbox_config_limit(config, "", 1) == CALLBOX_INVALID);
    for (name = callbox_last_error(); (name = strstr(name, ", ")) != NULL; name++)
        more++;
    EXPECT(more + 1 == sizeof names / sizeof *names);
    callbox_config_free(config);
}

static void prototypes_and_modules_are_refused_before_they_are_called(void) {
    static const char imports[] = "(module (import \"env\" \"system\" (func)))";
    callbox_sandbox *sandbox = sandbox_with(NULL, 0);
    callbox_guest *guest, *other;
    callbox_callback *callback;
    OK(callbox_guest_bundled(sandbox, "i32", &guest));
    EXPECT(callbox_callback_new(guest, "compare_i32", "int (const int *", &callback) == CALLBOX_REFUSED);
    EXPECT(callbox_callback_new(guest, "compare_i32", "long double (int)", &callback) == CALLBOX_REFUSED);
    EXPECT(callbox_callback_new(guest, "compare", INTS, &callback) == CALLBOX_REFUSED && says("compare_i32"));
    EXPECT(callbox_guest_load_bytes(sandbox, "text", "(module", 7, &other) == CALLBOX_REFUSED);
    EXPECT(callbox_guest_load_bytes(sandbox, "binary", "\0asm\1\0\0\1", 8, &other) == CALLBOX_REFUSED);
    EXPECT(callbox_guest_load_bytes(sandbox, "empty", NULL, 0, &other) == CALLBOX_REFUSED || says("empty"));
    EXPECT(callbox_guest_load_bytes(sandbox, "imports", imports, strlen(imports), &other) == CALLBOX_REFUSED);
    EXPECT(says("env.system"));
    callbox_guest_free(guest);
    callbox_sandbox_free(sandbox);
}

static void sizes_that_no_memory_has_are_refused(void) {
    callbox_callback *callback = ascending();
    callbox_items items;
    callbox_lease lease;
    uint32_t order;
    int a = 1;
    EXPECT(callbox_sort(callback, &a, SIZE_MAX / 2, 4, 0) == CALLBOX_INVALID && says("larger than memory"));
    EXPECT(callbox_lend(callback, &a, SIZE_MAX, SIZE_MAX, &lease) == CALLBOX_INVALID);
    items = callbox_records(&a, SIZE_MAX / 2, 4);
    EXPECT(callbox_argsort(callback, &items, 0, &order) == CALLBOX_INVALID);
    EXPECT(callbox_sort(callback, &a, 1, 0, 0) == CALLBOX_INVALID);
    EXPECT(callbox_sort(callback, &a, 2, 2, 0) == CALLBOX_INVALID && says("compare_i32"));
    EXPECT(callbox_sort(callback, &a, 1, 4, CALLBOX_RIGHT) == CALLBOX_INVALID && says("0x10"));
    EXPECT(callbox_sort(callback, &a, 1, 4, 1u << 31) == CALLBOX_INVALID);
    callbox_callback_free(callback);
}

static void no_elements_are_in_order_wherever_they_are(void) {
    callbox_callback *callback = ascending();
    callbox_items none = callbox_records(NULL, 0, 4), offsets = callbox_strings(NULL, 0, NULL, 0);
    callbox_lease lease;
    OK(callbox_sort(callback, NULL, 0, 4, 0));
    OK(callbox_argsort(callback, &none, 0, NULL));
    OK(callbox_lend(callback, NULL, 0, 4, &lease));
    EXPECT(lease.count == 0 && lease.base != NULL);
    OK(callbox_lease_finish(&lease));
    callbox_callback_free(callback);
    callback = bundled("bytes", "compare_bytes", "int (const void *, const void *)");
    OK(callbox_argsort(callback, &offsets, 0, NULL));
    callbox_callback_free(callback);
}

static void errno_is_kept_by_failure_and_success(void) {
    callbox_sandbox *sandbox = sandbox_with(NULL, 0);
    callbox_guest *guest;
    errno = 77;
    EXPECT(callbox_guest_load(sandbox, "/no/such.wasm", &guest) == CALLBOX_INVALID && errno == 77);
    EXPECT(callbox_guest_bundled(sandbox, "version", &guest) == CALLBOX_OK && errno == 77);
    callbox_guest_free(guest);
    callbox_sandbox_free(sandbox);
    EXPECT(strlen(callbox_version()) >= 5 && errno == 77);
    errno = 0;
}

static void *fail_here(void *seen) {
    callbox_config *config;
    strcpy((char *)seen, callbox_last_error()); /* nothing has failed on this thread */
    OK(callbox_config_new(&config));
    if (callbox_config_limit(config, "elsewhere", 1) == CALLBOX_INVALID)
        strcat((char *)seen, strstr(callbox_last_error(), "elsewhere") ? "!" : "?");
    callbox_config_free(config);
    return NULL;
}

static void each_thread_has_its_own_last_error_until_its_next_failure(void) {
    char seen[256];
    const char *before;
    pthread_t thread;
    EXPECT(callbox_config_new(NULL) == CALLBOX_INVALID);
    before = callbox_last_error();
    EXPECT(pthread_create(&thread, NULL, fail_here, seen) == 0 && pthread_join(thread, NULL) == 0);
    EXPECT(strcmp(seen, "!") == 0);
    callbox_sandbox_free(sandbox_with(NULL, 0)); /* success is no failure */
    EXPECT(callbox_last_error() == before && strcmp(before, "`config` is NULL") == 0);
}

int main(void) {
    EXPECT(strcmp(callbox_last_error(), "") == 0 && callbox_last_limit() == NULL);
    RUN(a_null_argument_is_a_status_and_a_sentence);
    RUN(freeing_null_does_nothing);
    RUN(text_that_is_not_utf_8_is_refused);
    RUN(names_that_do_not_exist_are_refused_with_those_that_do);
    RUN(the_limits_are_those_of_the_header);
    RUN(prototypes_and_modules_are_refused_before_they_are_called);
    RUN(sizes_that_no_memory_has_are_refused);
    RUN(no_elements_are_in_order_wherever_they_are);
    RUN(errno_is_kept_by_failure_and_success);
    RUN(each_thread_has_its_own_last_error_until_its_next_failure);
    return report();
}
