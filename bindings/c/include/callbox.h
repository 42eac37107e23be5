/*
 * Callbox: function pointers for C libraries, with exports of sandboxed WebAssembly guests behind them.
 *
 *     const char *prototype = "int (const int *, const int *)";
 *     callbox_sandbox *sandbox = NULL;
 *     callbox_guest *guest = NULL;
 *     callbox_callback *ascending = NULL;
 *     int ia[] = {5, 1, 7, 33, 99};
 *     if (callbox_sandbox_new(NULL, &sandbox) || callbox_guest_bundled(sandbox, "i32", &guest) ||
 *         callbox_callback_new(guest, "compare_i32", prototype, &ascending) ||
 *         callbox_sort(ascending, ia, 5, sizeof *ia, 0))
 *         fprintf(stderr, "%s\n", callbox_last_error());
 *
 * Handles. What a function creates, it stores through its last argument, and the caller frees it with the
 * function that ends in _free. The order does not matter: each handle keeps what it was made from. Freeing
 * NULL does nothing. A handle that has been freed must not be used.
 *
 * Threads. Any thread may call any function, several at once with one handle too, unless a comment here says
 * otherwise. Calls of one guest take turns. No thread may use a handle while another frees or changes it.
 *
 * Errors. A function that returns a status has done what it says if that is CALLBOX_OK, and otherwise has
 * stored nothing and changed no array: callbox_last_error has the reason. An argument that is NULL where this
 * is not allowed, or text that is not UTF-8, is CALLBOX_INVALID. errno is as it was before the call.
 *
 * C++. No function throws, and no function that is passed in may throw or jump out of the call.
 *
 * Before version 1.0, minor versions may change this interface; the library's file name changes with it.
 */
#ifndef CALLBOX_H
#define CALLBOX_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CALLBOX_MUST_USE __attribute__((warn_unused_result))
#else
#define CALLBOX_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors ---- */

/* The result of a function, and who has to change something if it is not CALLBOX_OK. */
enum callbox_status {
    CALLBOX_OK = 0,
    CALLBOX_INVALID = 1,       /* the caller: an argument, a file that cannot be read, a forked process */
    CALLBOX_REFUSED = 2,       /* a module, export or prototype that cannot be used, before it is called */
    CALLBOX_GUEST_FAILED = 3,  /* the guest trapped, or handed back what it must not */
    CALLBOX_LIMIT = 4,         /* a limit was hit: callbox_last_limit names it */
    CALLBOX_CONTRADICTION = 5, /* the guest's answers contradict each other */
    CALLBOX_HOST = 6,          /* the process or the machine: no memory, no free slot, a bug of the library */
    CALLBOX_INTERRUPTED = 7    /* nobody: callbox_config_interrupt stopped the guest */
};

/* Returns the reason of this thread's last failure: a sentence in UTF-8, without control characters of
 * strangers; "" if there was none. Valid until the next function fails on this thread, or it ends; the
 * library frees it. */
const char *callbox_last_error(void);

/* Returns the name of the limit that this thread's last failure hit, or NULL. Valid as the reason is. */
const char *callbox_last_limit(void);

/* Returns the version of the library, such as "0.1.0". Static. */
const char *callbox_version(void);

/* ---- Sandboxes ---- */

/* The settings of a sandbox. Only one thread may use a configuration at a time. */
typedef struct callbox_config callbox_config;

/* An engine, and the limits of its guests. */
typedef struct callbox_sandbox callbox_sandbox;

/* Creates the default configuration: every limit at its default, nothing granted. */
CALLBOX_MUST_USE int callbox_config_new(callbox_config **config);

/* Sets a limit by its name: "fuel", "deadline" (of a call, in nanoseconds), "memory" (of a guest, in bytes),
 * "array", "text", "stack", "print", "table"; of modules "module_size", "module_text", "code_size",
 * "functions", "function_size", "locals", "nesting", "types", "params", "results", "entries", "declarations",
 * "complexity". CALLBOX_INVALID for any other name. */
CALLBOX_MUST_USE int callbox_config_limit(callbox_config *config, const char *name, uint64_t value);

/* Turns a setting on or off by its name: "signals_based_traps", on by default: off where the process handles
 * SIGSEGV itself, as under valgrind, a JVM or Go's runtime; "simd", off by default; "assume_fresh_pages", off
 * by default, for modules that grow their memory and export no allocator. */
CALLBOX_MUST_USE int callbox_config_switch(callbox_config *config, const char *name, int on);

/* Grants guests the import callbox.print. `print` gets each text, which is not terminated and may hold any
 * bytes, on the thread that calls the guest. It and `user_data` must stay valid for as long as any guest of a
 * sandbox with this configuration lives. `print` must not call the guest. */
typedef void (*callbox_print_fn)(const char *text, size_t length, void *user_data);
CALLBOX_MUST_USE int callbox_config_print(callbox_config *config, callbox_print_fn print, void *user_data);

/* Has `check` called on the thread that runs a guest, about every 10 ms: the call of the guest ends with
 * CALLBOX_INTERRUPTED where it returns something else than 0. For its life, see callbox_config_print. */
typedef int (*callbox_interrupt_fn)(void *user_data);
CALLBOX_MUST_USE int callbox_config_interrupt(callbox_config *config, callbox_interrupt_fn check,
        void *user_data);

void callbox_config_free(callbox_config *config);

/* Creates a sandbox with a configuration, which is copied; NULL is the default one. */
CALLBOX_MUST_USE int callbox_sandbox_new(const callbox_config *config, callbox_sandbox **sandbox);

void callbox_sandbox_free(callbox_sandbox *sandbox);

/* ---- Guests and callbacks ---- */

/* An instance of a module, with memory of its own. */
typedef struct callbox_guest callbox_guest;

/* An export of a guest, checked against a prototype. */
typedef struct callbox_callback callbox_callback;

/* Loads a module from a file, text if its name ends in ".wat", and creates a guest. */
CALLBOX_MUST_USE int callbox_guest_load(const callbox_sandbox *sandbox, const char *path,
        callbox_guest **guest);

/* Loads a module from `length` bytes, text unless they begin as a binary does, and creates a guest. The bytes
 * are not kept. `name` is the module's in errors. */
CALLBOX_MUST_USE int callbox_guest_load_bytes(const callbox_sandbox *sandbox, const char *name,
        const void *bytes, size_t length, callbox_guest **guest);

/* Creates one of the guests that come with the library, such as "version" or "i32", by its name. */
CALLBOX_MUST_USE int callbox_guest_bundled(const callbox_sandbox *sandbox, const char *name,
        callbox_guest **guest);

void callbox_guest_free(callbox_guest *guest);

/* Checks an export of a guest against a prototype in C's words, such as "int (const int *, const int *)" or
 * "double (const char *, struct point { int x; int y; })". A comparator of texts, which is exported as
 * compare_bytes, is "int (const void *, const void *)": it gets each with its length. */
CALLBOX_MUST_USE int callbox_callback_new(const callbox_guest *guest, const char *name, const char *prototype,
        callbox_callback **callback);

/* Sets what C gets from a pointer after a failure, and after the pointer's end, instead of 0. Only for
 * results of integer types, and for leases made later. No other thread may use the callback meanwhile. */
CALLBOX_MUST_USE int callbox_callback_fallback(callbox_callback *callback, int64_t value);

/* Has `hook` called with each failure of a leased pointer, inside C's call, on its thread. `message` is valid
 * until the hook returns. If the hook returns 0, the next call reaches the guest again; otherwise C gets the
 * fallback until the failure is taken. `hook` and `user_data` must stay valid while the callback or a lease
 * of it lives. It holds for leases made later. No other thread may use the callback meanwhile. */
typedef int (*callbox_failure_fn)(int status, const char *message, void *user_data);
CALLBOX_MUST_USE int callbox_callback_on_failure(callbox_callback *callback, callbox_failure_fn hook,
        void *user_data);

void callbox_callback_free(callbox_callback *callback);

/* ---- Sorting and searching, by a comparator of elements ---- */

enum callbox_flags {
    CALLBOX_REVERSE = 1,     /* the largest first */
    CALLBOX_STABLE = 2,      /* equal items stay in the order of the input; otherwise their bytes decide */
    CALLBOX_QSORT = 4,       /* the C library's qsort sorts, even where a sort inside the sandbox is faster */
    CALLBOX_VERIFY_FULL = 8, /* a fresh guest is asked about every pair of the result, not about a sample */
    CALLBOX_RIGHT = 16       /* callbox_search: after the splitters that are equal, not before them */
};

/* Compares two elements; stores -1, 0 or 1. The elements are only read. */
CALLBOX_MUST_USE int callbox_compare(const callbox_callback *callback, const void *a, size_t a_length,
        const void *b, size_t b_length, int *order);

/* Sorts an array in place. All or nothing: on any failure it is as it was. A fresh guest is asked about pairs
 * of the result before it is written, and an answer against it is CALLBOX_CONTRADICTION. Elements are
 * compared and moved with their padding. `flags` are of enum callbox_flags, or 0. */
CALLBOX_MUST_USE int callbox_sort(const callbox_callback *callback, void *base, size_t count, size_t width,
        unsigned flags);

/* Items in memory of the caller's, which the functions below only read, until they return. */
typedef struct callbox_items {
    const void *bytes;        /* all items, one after the other */
    size_t length;            /* number of bytes */
    size_t count;             /* number of items */
    size_t width;             /* of each item in bytes; 0 if offsets say where items begin and end */
    const int32_t *offsets32; /* count + 1 offsets into the bytes, as in Arrow's strings; or NULL */
    const int64_t *offsets64; /* the same for Arrow's large strings; or NULL */
} callbox_items;

/* Returns `count` items of `width` bytes each. */
static inline callbox_items callbox_records(const void *base, size_t count, size_t width) {
    callbox_items items = {NULL, 0, 0, 0, NULL, NULL};
    items.bytes = base;
    items.length = count * width; /* which the library finds to be wrong where it overflows */
    items.count = count;
    items.width = width;
    return items;
}

/* Returns `count` items between `count` + 1 offsets into `length` bytes. */
static inline callbox_items callbox_strings(const void *bytes, size_t length, const int64_t *offsets,
        size_t count) {
    callbox_items items = {NULL, 0, 0, 0, NULL, NULL};
    items.bytes = bytes;
    items.length = length;
    items.count = count;
    items.offsets64 = offsets;
    return items;
}

/* Stores the numbers of the items, from 0, in the order of the items: numpy's argsort. `order` has room for
 * `count` numbers, apart from the items. Checked as by callbox_sort. */
CALLBOX_MUST_USE int callbox_argsort(const callbox_callback *callback, const callbox_items *items,
        unsigned flags, uint32_t *order);

/* Stores each item's dense rank, from 0: how many different items are before it. Otherwise as
 * callbox_argsort. */
CALLBOX_MUST_USE int callbox_rank(const callbox_callback *callback, const callbox_items *items,
        unsigned flags, uint32_t *ranks);

/* Stores for each item how many `splitters` are before it, and with CALLBOX_RIGHT also those that it equals:
 * numpy's searchsorted. Splitters that are not in order are CALLBOX_INVALID. `places` has room for a number
 * for each item. */
CALLBOX_MUST_USE int callbox_search(const callbox_callback *callback, const callbox_items *splitters,
        const callbox_items *items, unsigned flags, uint32_t *places);

/* The items, by their numbers from 0, about which answers contradict each other; none if `count` is 0. */
typedef struct callbox_contradiction {
    size_t count;
    size_t items[3];
} callbox_contradiction;

/* Compares up to `sample` of the items with each other, each pair both ways and once more in another guest, and
 * looks for answers that cannot all be true, and for writes into the items. Returns CALLBOX_CONTRADICTION if
 * there are such, with the items in `found`, which may be NULL, and the answers in callbox_last_error.
 * CALLBOX_OK: none were found. */
CALLBOX_MUST_USE int callbox_check(const callbox_callback *callback, const callbox_items *items,
        size_t sample, callbox_contradiction *found);

/* ---- Leases: function pointers for C ---- */

typedef int (*callbox_compare_fn)(const void *, const void *);
typedef int (*callbox_compare_with_context_fn)(const void *, const void *, void *);

/* A function pointer of any prototype, which the caller casts to its type. */
typedef void (*callbox_fn)(void);

/* A comparator lent to C code that sorts an array until it returns. C works on a private copy, and every
 * pointer that it passes is checked against it: should the answers drive C out of the copy, the process ends
 * with a message. So it does where C compares with an element elsewhere by design, as bsearch does with its
 * key: use callbox_search, or callbox_retain. */
typedef struct callbox_lease {
    void *base;                                           /* the private copy */
    size_t count;                                         /* its elements */
    size_t width;                                         /* of each in bytes */
    callbox_compare_fn pointer;                           /* for qsort, which any thread may call */
    callbox_compare_with_context_fn pointer_with_context; /* for qsort_r; NULL on 32-bit machines */
    void *context;                                        /* what qsort_r is to pass on */
    uint64_t number;                                      /* the library's; 0 after the end */
} callbox_lease;

/* Lends a comparator with an array, which is copied. All calls share one budget, whose deadline starts now.
 * The lease belongs to this thread, and ends by callbox_lease_finish or callbox_lease_drop, or with the
 * thread. The array must stay valid until then. */
CALLBOX_MUST_USE int callbox_lend(const callbox_callback *callback, void *base, size_t count, size_t width,
        callbox_lease *lease);

/* Ends a lease. If no call failed, the copy is written to the array as C has left it; otherwise the first
 * failure is returned, and the array is as it was. On another thread than the lease's, or after its end, this
 * is CALLBOX_INVALID and does nothing. C must not be inside a call of the pointer. */
CALLBOX_MUST_USE int callbox_lease_finish(callbox_lease *lease);

/* As callbox_lease_finish, but leaves the array as it was and forgets failures. */
int callbox_lease_drop(callbox_lease *lease);

/* A function pointer that C keeps. Any thread may call it, with arguments as the prototype says: what
 * pointers lead to is read, and written where it is not const. Each call has a budget of its own. After a
 * failure it answers the fallback until the failure is taken. After the end it stays callable, answers the
 * fallback, reads no argument, and is counted: callbox_late_calls. */
typedef struct callbox_retained callbox_retained;

/* Lends a callback of any prototype to C code that keeps it; stores the pointer, too. A comparator answers
 * -1, 0 or 1. A pointer of this kind knows no array: if its answers contradict each other, a sort by it may
 * leave the array. Use callbox_lend for sorts. */
CALLBOX_MUST_USE int callbox_retain(const callbox_callback *callback, callbox_fn *pointer,
        callbox_retained **retained);

/* As callbox_retain, for a comparator of "const void *" whose elements have `width` bytes. */
CALLBOX_MUST_USE int callbox_retain_records(const callbox_callback *callback, size_t width,
        callbox_compare_fn *pointer, callbox_retained **retained);

/* Returns how often C has called the pointer; 0 for NULL. */
uint64_t callbox_retained_calls(const callbox_retained *retained);

/* Takes the first failure since the last time, and returns it; CALLBOX_OK if there was none. */
CALLBOX_MUST_USE int callbox_retained_take_failure(const callbox_retained *retained);

/* Ends the lease, and frees the handle. The pointer may be lent again for the same prototype, as the last of
 * all. */
void callbox_retained_free(callbox_retained *retained);

/* As callbox_retained_free, and the pointer is never lent again. */
void callbox_retained_retire(callbox_retained *retained);

/* Frees the handle but not the lease, which ends when C passes the user data that is returned to
 * callbox_release: for C libraries that take a destructor. It is a number, no address. NULL for NULL. */
void *callbox_retained_into_user_data(callbox_retained *retained);

/* The destructor for user data of callbox_retained_into_user_data. Any thread may call it, with anything: a
 * second call, or any other pointer, does nothing. */
void callbox_release(void *user_data);

/* ---- The table of all function pointers that are lent ---- */

/* A function pointer that is lent. The texts are valid until the visit ends. */
typedef struct callbox_registration {
    const char *module;
    const char *name; /* of the export */
    const char *prototype;
    uint64_t calls;    /* by C */
    uint64_t failures; /* how many of these failed */
    size_t leases;
} callbox_registration;

/* Calls `visit` for each function pointer of this process that is lent now. For reports of leaks. */
typedef void (*callbox_visit_fn)(const callbox_registration *registration, void *user_data);
CALLBOX_MUST_USE int callbox_table_visit(callbox_visit_fn visit, void *user_data);

/* Returns the number of calls of pointers after their end. */
uint64_t callbox_late_calls(void);

#ifdef __cplusplus
}
#endif

#endif
