/* Doubles in the total order of IEEE 754, which `<` does not have: -NaN, -0, 0, NaN. By qsort_r, whose
 * context says which lease is meant.
 *     cc qsort_r.c $(pkg-config --cflags --libs callbox) */
#define _GNU_SOURCE
#include <callbox.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    callbox_sandbox *sandbox = NULL;
    callbox_guest *guest = NULL;
    callbox_callback *total = NULL;
    callbox_lease lease;
    double values[5] = {NAN, 0.0, 1.5, -0.0, -NAN};
    int status = callbox_sandbox_new(NULL, &sandbox);

    if (status == CALLBOX_OK)
        status = callbox_guest_bundled(sandbox, "f64", &guest);
    if (status == CALLBOX_OK)
        status = callbox_callback_new(guest, "compare_f64", "int (const double *, const double *)", &total);
    if (status == CALLBOX_OK)
        status = callbox_lend(total, values, 5, sizeof *values, &lease);
    if (status == CALLBOX_OK) {
        qsort_r(lease.base, lease.count, lease.width, lease.pointer_with_context, lease.context);
        status = callbox_lease_finish(&lease);
    }
    if (status == CALLBOX_OK)
        printf("%g %g %g %g %g\n", values[0], values[1], values[2], values[3], values[4]);
    else
        fprintf(stderr, "%s\n", callbox_last_error());

    callbox_callback_free(total);
    callbox_guest_free(guest);
    callbox_sandbox_free(sandbox);
    return status;
}
