//! Laws of the plan.
