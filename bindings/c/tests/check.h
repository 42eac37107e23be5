/* A harness of a few lines: tests are functions whose names are sentences. */
#ifndef CHECK_H
#define CHECK_H

#include <callbox.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures_here, passed, failed;

#define EXPECT(condition) expect(!!(condition), #condition, __FILE__, __LINE__)
#define OK(call) expect_ok((call), #call, __FILE__, __LINE__)
#define RUN(test) run(test, #test)

static inline void expect(int holds, const char *condition, const char *file, int line) {
    if (!holds) {
        printf("%s:%d: not so: %s; the last error is: %s\n", file, line, condition, callbox_last_error());
        failures_here++;
    }
}

static inline void expect_ok(int status, const char *call, const char *file, int line) {
    expect(status == CALLBOX_OK, call, file, line);
    if (status != CALLBOX_OK)
        exit(9); /* what follows would use what there is not */
}

static inline void run(void (*test)(void), const char *name) {
    failures_here = 0;
    test();
    printf("%s ", failures_here ? "FAILED" : "ok");
    for (; *name; name++)
        putchar(*name == '_' ? ' ' : *name);
    putchar('\n');
    failures_here ? failed++ : passed++;
}

static inline int report(void) {
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}

/* Whether the last error has these words. */
static inline int says(const char *words) {
    return strstr(callbox_last_error(), words) != NULL;
}

/* A sandbox; without traps by signals where CALLBOX_SIGNALS=0. */
static inline callbox_sandbox *sandbox_with(const char *limit, uint64_t value) {
    const char *signals = getenv("CALLBOX_SIGNALS");
    callbox_config *config;
    callbox_sandbox *sandbox;
    OK(callbox_config_new(&config));
    OK(callbox_config_switch(config, "signals_based_traps", signals == NULL || strcmp(signals, "0") != 0));
    if (limit != NULL)
        OK(callbox_config_limit(config, limit, value));
    OK(callbox_sandbox_new(config, &sandbox));
    callbox_config_free(config);
    return sandbox;
}

/* A callback of a guest in text form, of which nothing else is left. */
static inline callbox_callback *callback_in(callbox_sandbox *sandbox, const char *text, const char *name,
                                            const char *prototype) {
    callbox_guest *guest;
    callbox_callback *callback;
    OK(callbox_guest_load_bytes(sandbox, name, text, strlen(text), &guest));
    OK(callbox_callback_new(guest, name, prototype, &callback));
    callbox_guest_free(guest);
    callbox_sandbox_free(sandbox);
    return callback;
}

static inline callbox_callback *callback_of(const char *text, const char *name, const char *prototype) {
    return callback_in(sandbox_with(NULL, 0), text, name, prototype);
}

#define INTS "int (const int *, const int *)"

/* A comparator of the repository's hostile guests, on a budget that is soon spent. */
static inline callbox_callback *hostile(const char *name) {
    char path[512];
    callbox_sandbox *sandbox = sandbox_with("fuel", 10000000);
    callbox_guest *guest;
    callbox_callback *callback;
    snprintf(path, sizeof path, "%s/wat/hostile/%s.wat", REPOSITORY, name);
    OK(callbox_guest_load(sandbox, path, &guest));
    OK(callbox_callback_new(guest, "compare", INTS, &callback));
    callbox_guest_free(guest);
    callbox_sandbox_free(sandbox);
    return callback;
}

/* A comparator that comes with the library. */
static inline callbox_callback *bundled(const char *guest_name, const char *name, const char *prototype) {
    callbox_sandbox *sandbox = sandbox_with(NULL, 0);
    callbox_guest *guest;
    callbox_callback *callback;
    OK(callbox_guest_bundled(sandbox, guest_name, &guest));
    OK(callbox_callback_new(guest, name, prototype, &callback));
    callbox_guest_free(guest);
    callbox_sandbox_free(sandbox);
    return callback;
}

static inline callbox_callback *ascending(void) {
    return bundled("i32", "compare_i32", INTS);
}

static size_t lent;

static inline void count_lent(const callbox_registration *registration, void *user_data) {
    EXPECT(strlen(registration->module) > 0 && strlen(registration->name) > 0 && registration->leases > 0);
    if (user_data == NULL || strcmp(registration->prototype, (const char *)user_data) == 0)
        lent++;
}

/* The number of pointers that are lent, of all prototypes for NULL. */
static inline size_t table(const char *prototype) {
    lent = 0;
    OK(callbox_table_visit(count_lent, (void *)(uintptr_t)prototype));
    return lent;
}

#endif
