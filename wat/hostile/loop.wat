;; promise: row 11: blame guest: "compare" spent all its fuel, 10^7 units
(module
  (memory (export "memory") 1)
  (func (export "compare") (param i32 i32) (result i32) (loop $for_ever (br $for_ever)) (unreachable)))
