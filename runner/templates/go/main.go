// Command {{name}} is a cleanup rule. What it exports is found by the bindings, in the folders export_*.
package main

import _ "example.com/{{name}}/bindings/wit_exports"

// A component is called through its exports only.
func main() {}
