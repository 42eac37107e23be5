/* Texts by a guest's order: one after the other in memory, and the offsets that divide them.
 *     cc strings.c $(pkg-config --cflags --libs callbox) */
#include <callbox.h>
#include <stdio.h>

int main(void) {
    static const char bytes[] = "v1.10v1.9v1.2";
    static const int64_t offsets[] = {0, 5, 9, 13};
    callbox_items texts = callbox_strings(bytes, sizeof bytes - 1, offsets, 3);
    callbox_sandbox *sandbox = NULL;
    callbox_guest *guest = NULL;
    callbox_callback *version = NULL;
    uint32_t order[3];
    int status = callbox_sandbox_new(NULL, &sandbox);

    if (status == CALLBOX_OK)
        status = callbox_guest_bundled(sandbox, "version", &guest);
    if (status == CALLBOX_OK)
        status = callbox_callback_new(guest, "compare_bytes", "int (const void *, const void *)", &version);
    if (status == CALLBOX_OK)
        status = callbox_argsort(version, &texts, CALLBOX_STABLE, order);
    if (status != CALLBOX_OK)
        fprintf(stderr, "%s\n", callbox_last_error());
    for (int at = 0; status == CALLBOX_OK && at < 3; at++) {
        int64_t start = offsets[order[at]];
        printf("%.*s\n", (int)(offsets[order[at] + 1] - start), bytes + start);
    }

    callbox_callback_free(version);
    callbox_guest_free(guest);
    callbox_sandbox_free(sandbox);
    return status;
}
