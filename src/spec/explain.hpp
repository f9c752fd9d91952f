// What the user's files mean together, and what each field of them is: for people who read.
// Pure. Everything about fields comes from models/*.shapes.json.
#pragma once

#include <string>
#include <vector>

#include "spec/spec.hpp"

namespace provost::spec {

struct GroupMeaning {
  std::string path;  ///< "InstanceGroups[2]"
  model::InstanceGroup group;
  std::string
      script;  ///< "on_create.sh of s3://bucket/prefix when a node is created"; may be empty
};

struct PartitionMeaning {
  std::string name;
  std::vector<std::string> groups;
  std::string who;  ///< "everybody", "administrators: gia"
};

/// A sound cluster in the words of its files.
struct Explanation {
  std::string name;
  std::string described_by;  ///< what says which group is the controller
  std::vector<GroupMeaning> groups;
  std::vector<PartitionMeaning> partitions;
  int people = 0;
  std::vector<std::string> departments;
  std::vector<DefaultUsed> defaults;  ///< fields first, then what Provost itself decides
  Cost cost;
  std::string currency;  ///< of prices that are the site's
};

/// `checked.cluster` must be there.
Explanation explain(const Checked& checked);

/// A field as its documentation has it.
struct FieldHelp {
  std::string file;  ///< "cluster-config.json"
  std::string path;  ///< "InstanceGroups[].InstanceCount"
  std::string type;  ///< "a whole number from 0 to 6758"
  bool required = false;
  std::string initial;  ///< what holds without it; empty: nothing
  std::string effect;   ///< "honoured", "recorded without effect", "refused"
  std::string reason;   ///< why not honoured
  std::string about;
  std::string example;
};

/// Every field of every file, files and fields in their own order.
const std::vector<FieldHelp>& all_fields();

/// Fields meant by what a person types: a whole path ("InstanceGroups[0].InstanceType" too), its
/// end, or a name in any case. Best match first; empty: none.
std::vector<FieldHelp> find_fields(const std::string& wanted);

/// The field's name or path nearest to one that nobody knows, for "did you mean".
std::string nearest_field(const std::string& wanted);

/// docs/files.md: a table of all fields for each file.
std::string fields_as_markdown();

}  // namespace provost::spec
