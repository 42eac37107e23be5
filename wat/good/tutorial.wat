;; promise: sort i32 by ascending: 5 1 7 33 99 => 1 5 7 33 99
;; The three comparators of the ctypes tutorial. Each prints its arguments.
(module
  (import "callbox" "print" (func $print (param i32 i32)))
  (memory (export "memory") 1)

  ;; Text is put together from right to left, ending at 64.
  (func $put (param $at i32) (param $char i32) (result i32)
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (i32.store8 (local.get $at) (local.get $char))
    (local.get $at))

  (func $number (param $at i32) (param $value i32) (result i32)
    (local $rest i32)
    (local.set $rest
      (select (i32.sub (i32.const 0) (local.get $value)) (local.get $value)
        (i32.lt_s (local.get $value) (i32.const 0))))
    (loop $digits
      (local.set $at
        (call $put (local.get $at)
          (i32.add (i32.const 48) (i32.rem_u (local.get $rest) (i32.const 10)))))
      (local.set $rest (i32.div_u (local.get $rest) (i32.const 10)))
      (br_if $digits (local.get $rest)))
    (if (i32.lt_s (local.get $value) (i32.const 0))
      (then (local.set $at (call $put (local.get $at) (i32.const 45)))))
    (local.get $at))

  ;; Prints "A B\n".
  (func $pair (param $a i32) (param $b i32)
    (local $at i32)
    (local.set $at (call $put (i32.const 64) (i32.const 10)))
    (local.set $at (call $number (local.get $at) (local.get $b)))
    (local.set $at (call $put (local.get $at) (i32.const 32)))
    (local.set $at (call $number (local.get $at) (local.get $a)))
    (call $print (local.get $at) (i32.sub (i32.const 64) (local.get $at))))

  ;; First: prints the pointers, calls everything equal.
  (func (export "pointers") (param $a i32) (param $b i32) (result i32)
    (call $pair (local.get $a) (local.get $b))
    (i32.const 0))

  ;; Second: follows them, calls everything equal.
  (func (export "values") (param $a i32) (param $b i32) (result i32)
    (call $pair (i32.load (local.get $a)) (i32.load (local.get $b)))
    (i32.const 0))

  ;; Third: `return a[0] - b[0]`.
  (func (export "ascending") (param $a i32) (param $b i32) (result i32)
    (call $pair (i32.load (local.get $a)) (i32.load (local.get $b)))
    (i32.sub (i32.load (local.get $a)) (i32.load (local.get $b))))

  ;; Meets a value that it does not like, as a raised exception would.
  (func (export "raises") (param $a i32) (param $b i32) (result i32)
    (if (i32.eq (i32.load (local.get $b)) (i32.const 33)) (then (unreachable)))
    (i32.sub (i32.load (local.get $a)) (i32.load (local.get $b)))))
