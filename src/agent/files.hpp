// Looks at the node's files and carries out changes to them.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "agent/changes.hpp"
#include "base/result.hpp"

namespace provost::agent {

/// What is there now of the part's paths, below `root`. Errors: denied, internal (a path that is
/// there but cannot be read); denied for a path through a link that somebody but root made.
Result<SeenFiles> look(const model::NodePart& part, const std::string& root);

/// Carries out one change. Files are replaced atomically; parents that are missing are made.
/// Errors: those of the file system; conflict for an `Impossible`.
Status carry_out(const FileChange& change, const std::string& root);

/// The path that a change writes the content of; empty: none.
std::string written_by(const FileChange& change);

/// Called with the paths about to be written, before they are.
using BeforeWriting = std::function<Status(const std::set<std::string>&)>;

/// Puts the part's directories and files in place, turn by turn, and returns the paths of files
/// that were written. Stops at the first error; what was in place then is right.
Result<std::set<std::string>> put_in_place(const model::NodePart& part, const std::string& root,
                                           const BeforeWriting& before);

}  // namespace provost::agent
