;; promise: visit adds up the sizes of files that end in ".txt", and the levels of all files
(module
  (memory (export "memory") 1)
  (global $bytes (mut i64) (i64.const 0))
  (global $levels (mut i64) (i64.const 0))
  ;; int (const char *path, const struct stat *sb, int type, struct FTW *ftw): type 0 is a file; st_size is at 48.
  (func (export "visit") (param $path i32) (param $stat i32) (param $type i32) (param $ftw i32) (result i32)
    (local $end i32)
    (if (local.get $type) (then (return (i32.const 0))))
    (local.set $end (local.get $path))
    (loop $next
      (local.set $end (i32.add (local.get $end) (i32.const 1)))
      (br_if $next (i32.load8_u (local.get $end))))
    (if (i32.eq (i32.load (i32.sub (local.get $end) (i32.const 4))) (i32.const 0x7478742e)) ;; ".txt"
      (then (global.set $bytes (i64.add (global.get $bytes) (i64.load offset=48 (local.get $stat))))))
    (global.set $levels
      (i64.add (global.get $levels) (i64.extend_i32_s (i32.load offset=4 (local.get $ftw)))))
    (i32.const 0))
  (func (export "bytes") (result i64) (global.get $bytes))
  (func (export "levels") (result i64) (global.get $levels)))
