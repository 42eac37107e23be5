;; promise: start, end and data measure an XML text: its depth, the letters of its data
(module
  (memory (export "memory") 1)
  (global $depth (mut i64) (i64.const 0))
  (global $deepest (mut i64) (i64.const 0))
  (global $letters (mut i64) (i64.const 0))
  ;; void (void *user, const char *name, void *attributes)
  (func (export "start") (param $user i32) (param $name i32) (param $attributes i32)
    (global.set $depth (i64.add (global.get $depth) (i64.const 1)))
    (if (i64.gt_s (global.get $depth) (global.get $deepest)) (then (global.set $deepest (global.get $depth)))))
  ;; void (void *user, const char *name)
  (func (export "end") (param $user i32) (param $name i32)
    (if (i32.eqz (i32.load8_u (local.get $name))) (then unreachable))
    (global.set $depth (i64.sub (global.get $depth) (i64.const 1))))
  ;; void (void *user, const char text[len], int len)
  (func (export "data") (param $user i32) (param $text i32) (param $len i32)
    (global.set $letters (i64.add (global.get $letters) (i64.extend_i32_s (local.get $len)))))
  ;; Depth at the end, thousands of letters, millions of the deepest.
  (func (export "outcome") (result i64)
    (i64.add (global.get $depth)
      (i64.add
        (i64.mul (global.get $letters) (i64.const 1000))
        (i64.mul (global.get $deepest) (i64.const 1000000))))))
