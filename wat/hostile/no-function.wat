;; promise: row 21: blame guest: "compare" must be a function, but is a global i32
(module
  (memory (export "memory") 1)
  (global (export "compare") i32 (i32.const 0)))
