// Public SSH keys as authorized_keys has them, without options.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace provost::spec {

/// What is wrong with `key`, or nothing. Looks at type, base64 and the structure inside, so that a
/// key that lost its end is found. Source: RFC 4253, section 6.6; sshd(8).
std::optional<std::string> wrong_ssh_key(std::string_view key);

}  // namespace provost::spec
