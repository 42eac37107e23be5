;; promise: row 20: blame guest: import env.memory is not granted
(module
  (import "env" "memory" (memory 1))
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (i32.const 0)))
