/* Structs and narrow integers, as the C ABI for WebAssembly passes them. */
typedef long long int64_t;

struct point { int x, y; };

__attribute__((export_name("mirror")))
struct point mirror(struct point p) { return (struct point){p.y, p.x}; }

struct one { double d; };

__attribute__((export_name("half")))
struct one half(struct one o) { o.d *= 0.5; return o; }

/* A host's long is an int64_t here. */
struct record { int64_t size; unsigned char kind; };

__attribute__((export_name("grow")))
short grow(struct record *r, unsigned char by, _Bool sure) {
    if (sure) r->size += by;
    r->kind = 200;
    return -1;
}
