;; promise: row 22: blame guest: it uses the component model, which is not allowed
(component)
