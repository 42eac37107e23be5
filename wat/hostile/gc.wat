;; promise: row 22: blame guest: it uses GC, which is not allowed
(module
  (memory (export "memory") 1)
  (type $pair (struct (field i32) (field i32)))
  (func (export "compare") (param $a i32) (param $b i32) (result i32)
    (struct.get $pair 0 (struct.new $pair (local.get $a) (local.get $b)))))
