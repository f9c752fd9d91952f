#include "spec/lifecycle.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "spec/pattern.hpp"

namespace provost::spec {
namespace {

/// Source: S3 User Guide, "General purpose buckets naming rules".
bool is_bucket(std::string_view name) {
  const bool fits = name.size() >= 3 && name.size() <= 63;
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return is_lower(c) || is_digit(c) || c == '-' || c == '.';
  });
  return fits && plain && is_letter_or_digit(name.front()) && is_letter_or_digit(name.back()) &&
         name.find("..") == std::string_view::npos;
}

bool begins_with(std::string_view text, std::string_view begin) {
  return text.substr(0, begin.size()) == begin;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// The first part of a path that leads nowhere in a bucket: "", "." or "..".
std::optional<std::string> odd_part(std::string_view path) {
  if (path.empty()) {
    return std::nullopt;
  }
  for (const std::string& part : split(path, '/')) {
    if (part.empty() || part == "." || part == "..") {
      return part;
    }
  }
  return std::nullopt;
}

/// Takes S3's own host names apart: they are not the bucket's name.
void resolve_host(std::string& bucket, std::string& path) {
  constexpr std::string_view kAmazon = ".amazonaws.com";
  if (!ends_with(bucket, kAmazon)) {
    return;
  }
  if (begins_with(bucket, "s3.") || begins_with(bucket, "s3-")) {
    const std::size_t slash = path.find('/');
    bucket = path.substr(0, slash);
    path = slash == std::string::npos ? "" : path.substr(slash + 1);
    return;
  }
  const std::size_t host = std::min(bucket.rfind(".s3."), bucket.rfind(".s3-"));
  if (host != std::string::npos) {
    bucket.resize(host);
  }
}

}  // namespace

ReadSource read_source(std::string_view uri) {
  const std::size_t scheme = uri.find("://");
  if (scheme == std::string_view::npos) {
    return {std::nullopt,
            {fmt::format("\"{}\" is no address", shorten(uri)), "write s3://bucket/prefix"}};
  }
  const std::string_view rest = uri.substr(scheme + 3);
  const std::size_t slash = rest.find('/');
  std::string bucket(rest.substr(0, slash));
  std::string path(slash == std::string_view::npos ? "" : rest.substr(slash + 1));
  if (uri.substr(0, scheme) == "https") {
    resolve_host(bucket, path);
  }
  if (!is_bucket(bucket)) {
    return {
        std::nullopt,
        {fmt::format("\"{}\" is no name of a bucket", shorten(bucket)),
         "3 to 63 small letters, digits, hyphens and dots, with a letter or digit at both ends"}};
  }
  if (!path.empty() && path.back() == '/') {
    path.pop_back();
  }
  if (const auto part = odd_part(path)) {
    return {std::nullopt,
            {fmt::format("the prefix \"{}\" has a part \"{}\"", shorten(path), *part),
             "write plain names with one slash between them"}};
  }
  return {ScriptSource{std::move(bucket), std::move(path)}, {}};
}

std::optional<Wrong> wrong_script(std::string_view script) {
  if (begins_with(script, "/")) {
    return Wrong{fmt::format("\"{}\" is an absolute path", shorten(script)),
                 "name the script relative to SourceS3Uri"};
  }
  if (const auto part = odd_part(script)) {
    return Wrong{fmt::format("\"{}\" has a part \"{}\"", shorten(script), *part),
                 "name the script relative to SourceS3Uri, as in on_create.sh"};
  }
  return std::nullopt;
}

}  // namespace provost::spec
