// What somebody changed by hand in Slurm's files, line by line, and files that keep it. Pure.
//
// A line is named by what it is about: "SchedulerType", "PartitionName=debug", "NodeName=cpu-1".
// Comments, blank lines, order and the case of names mean nothing, as in slurm.conf(5).
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace provost::slurm {

/// Texts by file name.
using Files = std::vector<std::pair<std::string, std::string>>;

/// One line that is not as it was made.
struct Edit {
  std::string file;    ///< "slurm.conf"
  std::string key;     ///< "PartitionName=debug"; a NodeName line is told apart node by node
  std::string before;  ///< as made; empty: the line was added
  std::string after;   ///< as found; empty: the line was taken away

  friend bool operator==(const Edit&, const Edit&) = default;
};

/// What makes `found` of `made`.
std::vector<Edit> edits(const Files& made, const Files& found);

/// `made` with the edits in it: a field changed by hand keeps its value, hosts added to a partition
/// or taken from it stay so, lines added by hand stand at the end. Lines of nodes and partitions
/// that were taken away stay, and a host that `made` does not have is in no partition (slurmctld
/// would refuse it). Text that no edit concerns stays byte for byte.
Files merge(const Files& made, const std::vector<Edit>& edits);

/// `first`, then `second`, as one: of a line that both concern, from before the first to after the
/// second.
std::vector<Edit> compose(const std::vector<Edit>& first, const std::vector<Edit>& second);

/// For people, one line each, like nodes together: "slurm.conf: NodeName=cpu-[1-3] Weight=10
/// instead of Weight=1", "slurm.conf: + PartitionName=debug Nodes=ALL".
std::vector<std::string> to_words(const std::vector<Edit>& edits);

/// Edits as one text to keep, and back. What is no such text is no edits.
std::string encode(const std::vector<Edit>& edits);
std::vector<Edit> decode_edits(const std::string& text);

}  // namespace provost::slurm
