// The outbox: what Provost has to tell people, kept as a Maildir in its state directory (`mail/`).
// Nothing is sent from here; a site's mail program may take it from there.
#pragma once

#include <string>

#include "os/maildir.hpp"

namespace provost::service {

class World;

/// Puts a letter to a person in the outbox. `name` tells it apart: one that is written again
/// replaces itself. Failures are logged: what it is about goes on.
void write_letter(World& world, const std::string& person, const std::string& title,
                  os::Letter letter);

}  // namespace provost::service
