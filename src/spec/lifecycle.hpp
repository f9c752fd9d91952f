// Where lifecycle scripts stand: SourceS3Uri and the names below it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace provost::spec {

struct ScriptSource {
  std::string bucket;
  std::string prefix;  ///< without slashes at its ends; may be empty
};

/// What is wrong with a text and what would be right.
struct Wrong {
  std::string what;
  std::string better;
};

/// Reads `s3://bucket/prefix` or `https://bucket/prefix`, also with the host names that S3 has
/// (`bucket.s3.region.amazonaws.com`, `s3.region.amazonaws.com/bucket`). The bucket becomes a name
/// of a directory, so nothing but a proper bucket name passes. Either `wrong` or `source` is set.
struct ReadSource {
  std::optional<ScriptSource> source;
  Wrong wrong;
};
ReadSource read_source(std::string_view uri);

/// Nothing when `script` is a path that stays below its prefix.
std::optional<Wrong> wrong_script(std::string_view script);

}  // namespace provost::spec
