;; promise: row 22: blame guest: it is a component, and a core module is needed
(component)
