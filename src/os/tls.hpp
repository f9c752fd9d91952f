// Certificates: a small authority of Provost's own, and what it issues. ECDSA P-256, X.509 v3.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace provost::os {

/// A certificate with its private key, both PEM. The key is secret: files 0600, never logged.
struct Identity {
  std::string certificate;
  std::string key;
};

struct CertificateRequest {
  std::string common_name;         ///< at most 64 bytes (RFC 5280): "tiny/cpu-1/2" may be longer
  std::vector<std::string> names;  ///< DNS names (subjectAltName)
  std::vector<std::string> addresses;  ///< IP addresses (subjectAltName)
  std::vector<std::string> uris;       ///< URI names: "provost:node:tiny/cpu-1/2"
  bool server = false;                 ///< extended key usage serverAuth
  bool client = false;                 ///< extended key usage clientAuth
  std::chrono::hours validity{24 * 825};
};

/// A self-signed authority (CA:TRUE, pathlen 0), valid 10 years.
Result<Identity> make_authority(const std::string& common_name);

/// A certificate signed by `authority`, not valid before 5 minutes ago (clocks differ).
Result<Identity> issue(const Identity& authority, const CertificateRequest& request);

/// When a certificate (PEM) ends. Errors: invalid (it is none).
Result<UtcTime> end_of(const std::string& certificate);

/// SHA-256 of bytes, raw 32 bytes.
std::string sha256(std::string_view bytes);

/// Compares in a time that does not depend on where they differ.
bool equal_in_constant_time(std::string_view left, std::string_view right);

}  // namespace provost::os
