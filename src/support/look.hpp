// Collects what `provost doctor` knows of a host: reads files, tries the kernel in namespaces of
// their own that end with the trial, asks dpkg and the image's recipe. Changes nothing.
#pragma once

#include <functional>
#include <string_view>

#include "support/facts.hpp"

namespace provost::support {

/// Told what is looked at, for a person who waits.
using Saying = std::function<void(std::string_view)>;

/// Everything but what only provostd knows: `daemon` is what it said (or that it did not answer).
HostFacts look(const Installation& installation, Daemon daemon, const Saying& say);

}  // namespace provost::support
