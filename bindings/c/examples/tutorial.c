/* The callback session of the ctypes tutorial: the C library's qsort sorts, a sandboxed guest compares.
 *     cc tutorial.c $(pkg-config --cflags --libs callbox) */
#include <callbox.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* def py_cmp_func(a, b): return a[0] - b[0] */
static const char py_cmp_func[] =
    "(module (memory (export \"memory\") 1)"
    "  (func (export \"compare\") (param $a i32) (param $b i32) (result i32)"
    "    (i32.sub (i32.load (local.get $a)) (i32.load (local.get $b)))))";

static void check(int status) {
    if (status != CALLBOX_OK) {
        fprintf(stderr, "%s\n", callbox_last_error());
        exit(1);
    }
}

static void print(const int ia[5]) {
    printf("%d %d %d %d %d\n", ia[0], ia[1], ia[2], ia[3], ia[4]);
}

int main(void) {
    callbox_sandbox *sandbox;
    callbox_guest *guest;
    callbox_callback *callback;
    callbox_lease lease;
    callbox_fn cmp_func;
    callbox_retained *retained;
    int ia[5] = {5, 1, 7, 33, 99};

    check(callbox_sandbox_new(NULL, &sandbox));
    check(callbox_guest_load_bytes(sandbox, "py_cmp_func", py_cmp_func, strlen(py_cmp_func), &guest));
    /* CFUNCTYPE(c_int, POINTER(c_int), POINTER(c_int)), written as C writes it; checked here, once. */
    check(callbox_callback_new(guest, "compare", "int (const int *, const int *)", &callback));

    /* Safe whatever the guest answers: C sorts a private copy, which is written back if no call failed. */
    check(callbox_lend(callback, ia, 5, sizeof *ia, &lease));
    qsort(lease.base, lease.count, lease.width, lease.pointer);
    check(callbox_lease_finish(&lease));
    print(ia);

    /* As ctypes does it: a pointer that C may keep, here over the array itself. */
    ia[4] = -1;
    check(callbox_retain(callback, &cmp_func, &retained));
    qsort(ia, 5, sizeof *ia, (callbox_compare_fn)cmp_func);
    check(callbox_retained_take_failure(retained));
    print(ia);

    /* After its end the pointer is no crash: it answers 0, and the call is counted. */
    callbox_retained_free(retained);
    printf("%d\n", ((callbox_compare_fn)cmp_func)(&ia[0], &ia[1]));
    printf("%d late call\n", (int)callbox_late_calls());

    callbox_callback_free(callback);
    callbox_guest_free(guest);
    callbox_sandbox_free(sandbox);
    return 0;
}
