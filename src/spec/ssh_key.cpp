#include "spec/ssh_key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace provost::spec {
namespace {

constexpr std::array<std::string_view, 7> kTypes = {"ssh-ed25519",
                                                    "ssh-rsa",
                                                    "ecdsa-sha2-nistp256",
                                                    "ecdsa-sha2-nistp384",
                                                    "ecdsa-sha2-nistp521",
                                                    "sk-ssh-ed25519@openssh.com",
                                                    "sk-ecdsa-sha2-nistp256@openssh.com"};

/// Takes a string of RFC 4251 off the blob's begin.
std::optional<std::string_view> take_string(std::string_view& blob) {
  if (blob.size() < 4) {
    return std::nullopt;
  }
  std::size_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    length = length << 8U | static_cast<unsigned char>(blob[i]);
  }
  blob.remove_prefix(4);
  if (length > blob.size()) {
    return std::nullopt;
  }
  const std::string_view out = blob.substr(0, length);
  blob.remove_prefix(length);
  return out;
}

bool is_whole(std::string_view blob, std::string_view type) {
  const auto first = take_string(blob);
  if (!first || *first != type || blob.empty()) {
    return false;
  }
  while (!blob.empty()) {
    if (!take_string(blob)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<std::string> wrong_ssh_key(std::string_view key) {
  if (key.find("PRIVATE KEY") != std::string_view::npos) {
    return "is a private key, which belongs to its owner alone";
  }
  const std::size_t blank = key.find(' ');
  const std::string_view type = key.substr(0, blank);
  if (std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end()) {
    return fmt::format("begins with \"{}\", which is no type of key", shorten(type, 30));
  }
  const std::string_view rest = blank == std::string_view::npos ? "" : trim(key.substr(blank));
  const auto blob = from_base64(rest.substr(0, rest.find(' ')));
  if (!blob || !is_whole(*blob, type)) {
    return "is damaged or has lost a part";
  }
  return std::nullopt;
}

}  // namespace provost::spec
