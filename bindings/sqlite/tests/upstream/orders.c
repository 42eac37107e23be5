/* The collations that SQLite's tests define in Tcl, as guests. */

typedef unsigned char byte;

#define ORDER(name) \
    __attribute__((export_name(#name))) int name(const byte *a, int n, const byte *b, int m)

static int sign(double a, double b) { return (a > b) - (a < b); }

static byte lower(byte c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

ORDER(compare_bytes) {
    for (int i = 0; i < n && i < m; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return sign(n, m);
}

ORDER(reversed) { return compare_bytes(b, m, a, n); }

ORDER(caseless) {
    for (int i = 0; i < n && i < m; i++)
        if (lower(a[i]) != lower(b[i])) return lower(a[i]) < lower(b[i]) ? -1 : 1;
    return sign(n, m);
}

/* From the last character to the first. */
ORDER(backwards) {
    for (int i = 1; i <= n && i <= m; i++)
        if (a[n - i] != b[m - i]) return a[n - i] < b[m - i] ? -1 : 1;
    return sign(n, m);
}

static int decimal(const byte *text, int len, double *value) {
    int at = 0, digits = 0, negative = 0;
    double unit = 1;
    *value = 0;
    if (at < len && (text[at] == '-' || text[at] == '+')) negative = text[at++] == '-';
    for (; at < len && text[at] >= '0' && text[at] <= '9'; at++, digits++) *value = *value * 10 + (text[at] - '0');
    if (at < len && text[at] == '.')
        for (at++; at < len && text[at] >= '0' && text[at] <= '9'; at++, digits++)
            *value += (unit /= 10) * (text[at] - '0');
    if (negative) *value = -*value;
    return digits > 0 && at == len;
}

/* As Tcl's == and >: by value if both are numbers. */
ORDER(numeric) {
    double x, y;
    return decimal(a, n, &x) && decimal(b, m, &y) ? sign(x, y) : compare_bytes(a, n, b, m);
}

static int hexadecimal(const byte *text, int len, double *value) {
    int at = len > 2 && text[0] == '0' && text[1] == 'x' ? 2 : 0;
    if (at == len) return 0;
    for (*value = 0; at < len; at++) {
        byte c = lower(text[at]);
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) return 0;
        *value = *value * 16 + digit;
    }
    return 1;
}

/* Hexadecimal numbers come first. */
ORDER(hex) {
    double x, y;
    int is = hexadecimal(a, n, &x), other = hexadecimal(b, m, &y);
    if (is && other) return sign(x, y);
    return is ? -1 : other ? 1 : compare_bytes(a, n, b, m);
}
