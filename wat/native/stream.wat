;; promise: read, write, seek and close are a stream that keeps its text in capitals
(module
  (memory (export "memory") 1)
  (global $at (mut i32) (i32.const 0))
  (global $end (mut i32) (i32.const 0))
  (global $closed (mut i64) (i64.const 0))
  (func $capital (param $c i32) (result i32)
    (select (i32.sub (local.get $c) (i32.const 32)) (local.get $c)
      (i32.lt_u (i32.sub (local.get $c) (i32.const 97)) (i32.const 26))))
  ;; ssize_t (void *cookie, const void buffer[size], size_t size)
  (func (export "write") (param $cookie i32) (param $buffer i32) (param $size i32) (result i32)
    (local $n i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $n) (local.get $size)))
        (br_if $done (i32.ge_u (global.get $at) (i32.const 4096)))
        (i32.store8 offset=1024 (global.get $at)
          (call $capital (i32.load8_u (i32.add (local.get $buffer) (local.get $n)))))
        (global.set $at (i32.add (global.get $at) (i32.const 1)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $next)))
    (if (i32.gt_u (global.get $at) (global.get $end)) (then (global.set $end (global.get $at))))
    (local.get $n))
  ;; ssize_t (void *cookie, void buffer[size], size_t size)
  (func (export "read") (param $cookie i32) (param $buffer i32) (param $size i32) (result i32)
    (local $n i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $n) (local.get $size)))
        (br_if $done (i32.ge_u (global.get $at) (global.get $end)))
        (i32.store8 (i32.add (local.get $buffer) (local.get $n)) (i32.load8_u offset=1024 (global.get $at)))
        (global.set $at (i32.add (global.get $at) (i32.const 1)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $next)))
    (local.get $n))
  ;; int (void *cookie, int64_t *position, int whence): from the start, from here, from the end.
  (func (export "seek") (param $cookie i32) (param $position i32) (param $whence i32) (result i32)
    (global.set $at
      (i32.add
        (i32.wrap_i64 (i64.load (local.get $position)))
        (select (global.get $at)
          (select (global.get $end) (i32.const 0) (i32.eq (local.get $whence) (i32.const 2)))
          (i32.eq (local.get $whence) (i32.const 1)))))
    (i64.store (local.get $position) (i64.extend_i32_u (global.get $at)))
    (i32.const 0))
  (func (export "close") (param $cookie i32) (result i32)
    (global.set $closed (i64.add (global.get $closed) (i64.const 1)))
    (i32.const 0))
  (func (export "closed") (result i64) (global.get $closed)))
