;; promise: row 2: lies: subtracts, which overflows
(module
  (memory (export "memory") 1)
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.sub (i32.load (local.get $a)) (i32.load (local.get $b)))))
