// Takes secrets out of texts that leave the site. Rather too much than too little: what is removed
// is marked, so that a reader sees that something stood there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace provost::support {

/// `text` without: PEM blocks (cut ones, too), Authorization headers and bearer tokens, values of
/// fields whose names speak of secrets (password, token, secret, key, StoragePass, ...; in JSON,
/// TOML, YAML, XML, shell, SQL, arguments), passwords in URLs, tokens of well-known forms, password
/// hashes, long base64, and each of `known` (itself, as hexadecimal and as base64). Line breaks
/// stay, except within PEM blocks. Pure; doing it twice changes nothing more.
std::string scrub(std::string_view text, const std::vector<std::string>& known = {});

/// What stands in place of a secret.
inline constexpr std::string_view kRemoved = "[removed]";

}  // namespace provost::support
