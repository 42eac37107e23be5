;; promise: body counts to a thousand in the number that it is given, and hands its pointer back
(module
  (memory (export "memory") 1)
  (func (export "body") (param $counter i32) (result i32)
    (local $n i32)
    (loop $next
      (i64.store (local.get $counter) (i64.add (i64.load (local.get $counter)) (i64.const 1)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (i32.lt_s (local.get $n) (i32.const 1000))))
    (local.get $counter)))
