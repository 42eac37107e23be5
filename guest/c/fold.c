// The same order as orders/fold.rs, to show that the language does not matter.
static unsigned char upper(unsigned char c) {
    return c >= 'a' && c <= 'z' ? c - 32 : c;
}

__attribute__((export_name("compare_bytes")))
int compare_bytes(const unsigned char *a, unsigned long a_len, const unsigned char *b, unsigned long b_len) {
    for (unsigned long i = 0; i < a_len && i < b_len; i++)
        if (upper(a[i]) != upper(b[i]))
            return upper(a[i]) < upper(b[i]) ? -1 : 1;
    return (a_len > b_len) - (a_len < b_len);
}
