// Package export_cleanup_rules_owners is where the bindings look for what the interface owners exports.
package export_cleanup_rules_owners

import "example.com/port/rule"

var Owners = rule.Owners
