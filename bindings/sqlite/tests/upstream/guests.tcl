# Has guests compare in place of the procedures that the tests define, where there is one of the same order.

set ::guests {
  numeric_collate numeric  numeric_compare numeric  hex_collate hex  text_collate compare_bytes
  backwards_collate backwards  reverse_collate backwards  caseless caseless  usual compare_bytes
  {string compare} compare_bytes
}

proc guest_collate {db name script} {
  set script [string trim $script]
  set guests $::guests
  # Two tests have one of this name.
  lappend guests reverse [expr {[string match *e_expr* [info script]] ? "backwards" : "reversed"}]
  if {[dict exists $guests $script] && [string is wordchar -strict $name]} {
    set export [dict get $guests $script]
    if {[catch {$db eval {SELECT callbox_limits()}}]} {
      $db enable_load_extension 1
      $db eval {SELECT load_extension($::env(CALLBOX_SQLITE))}
    }
    $db eval {SELECT callbox_load($::env(CALLBOX_ORDERS), $name, $export)}
    puts "\nguest: $name is $export"
  } else {
    puts "\nTcl: $name is $script"
    $db collate $name $script
  }
}
