#include <algorithm>

#include "os/files.hpp"
#include "os/process.hpp"
#include "storage/storage.hpp"

namespace provost::storage {
namespace {

constexpr std::size_t kBundleLimit = 32U << 20U;

std::string directory_of(const std::string& bucket_root, const model::LifecycleScript& script) {
  std::string directory = bucket_root + "/" + script.bucket;
  if (!script.prefix.empty()) {
    directory += "/" + script.prefix;
  }
  return directory;
}

}  // namespace

spec::Surroundings::Script locate(const std::string& bucket_root,
                                  const model::LifecycleScript& script) {
  using Found = spec::Surroundings::Script;
  if (!os::is_directory(bucket_root + "/" + script.bucket)) {
    return Found::no_bucket;
  }
  const auto text = os::read_file(directory_of(bucket_root, script) + "/" + script.script);
  if (!text) {
    return Found::no_script;
  }
  const std::string first_line = text->substr(0, text->find('\n') + 1);
  return first_line.ends_with("\r\n") ? Found::carriage_returns : Found::present;
}

Result<std::string> bundle(const std::string& bucket_root, const model::LifecycleScript& script) {
  const std::string directory = directory_of(bucket_root, script);
  if (!os::is_directory(directory)) {
    return fail(ErrorKind::not_found,
                "there is no {}; put the scripts there: provost bucket put DIRECTORY s3://{}/{}",
                directory, script.bucket, script.prefix);
  }
  os::Command command;
  command.argv = {"tar",         "--create",  "--file=-",  "--format=gnu",
                  "--sort=name", "--owner=0", "--group=0", "--numeric-owner",
                  "--directory", directory,   "."};
  command.output_limit = kBundleLimit + 1;
  command.timeout = std::chrono::minutes(2);
  auto archive = os::output_of(command);
  if (archive && archive->size() > kBundleLimit) {
    return fail(
        ErrorKind::limit,
        "{} holds more than {} MiB; lifecycle scripts and their settings only, data belongs "
        "on /fsx",
        directory, kBundleLimit >> 20U);
  }
  return archive;
}

}  // namespace provost::storage
