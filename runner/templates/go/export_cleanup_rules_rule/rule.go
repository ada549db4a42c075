// Package export_cleanup_rules_rule is where the bindings look for what the interface rule exports.
package export_cleanup_rules_rule

import "example.com/{{name}}/rule"

var (
	Kinds  = rule.Kinds
	List   = rule.List
	Name   = rule.Name
	Delete = rule.Delete
)
