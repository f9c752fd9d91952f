#include "os/tls.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>

namespace provost::os {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;
using Name = std::unique_ptr<GENERAL_NAME, Freed<GENERAL_NAME_free>>;
using Ia5 = std::unique_ptr<ASN1_IA5STRING, Freed<ASN1_IA5STRING_free>>;
using Octets = std::unique_ptr<ASN1_OCTET_STRING, Freed<ASN1_OCTET_STRING_free>>;

constexpr long kClockSkew = 5L * 60;
constexpr long kDay = 24L * 60 * 60;

// The newest thing that OpenSSL has to say; its queue is empty afterwards.
tl::unexpected<Error> openssl_error(std::string_view attempted) {
  std::array<char, 256> text{};
  const unsigned long code = ERR_peek_last_error();
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return fail(ErrorKind::internal, "{}: {}", attempted,
              code == 0 ? "OpenSSL gives no reason" : text.data());
}

bool is_ascii(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char character) {
    return character > 0x20 && character < 0x7F;
  });
}

bool set_serial(X509* certificate) {
  const Number number(BN_new());
  return number && BN_rand(number.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

// Serial, times, subject and key; the issuer is set by who signs.
bool set_basics(X509* certificate, EVP_PKEY* key, const std::string& common_name,
                long valid_seconds) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const bool named =
      common_name.empty() ||
      X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common_name.data()),
                                 static_cast<int>(common_name.size()), -1, 0) == 1;
  const auto days = static_cast<int>(valid_seconds / kDay);
  return named && X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -kClockSkew) != nullptr &&
         X509_time_adj_ex(X509_getm_notAfter(certificate), days, valid_seconds % kDay, nullptr) !=
             nullptr &&
         X509_set_pubkey(certificate, key) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context{};
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// The names are set as data, never through OpenSSL's configuration syntax: a comma in one would
// begin another.
bool push_text(GENERAL_NAMES* names, int type, const std::string& text) {
  Name name(GENERAL_NAME_new());
  Ia5 value(ASN1_IA5STRING_new());
  if (!name || !value ||
      ASN1_STRING_set(value.get(), text.data(), static_cast<int>(text.size())) != 1) {
    return false;
  }
  GENERAL_NAME_set0_value(name.get(), type, value.release());
  if (sk_GENERAL_NAME_push(names, name.get()) == 0) {
    return false;
  }
  static_cast<void>(name.release());
  return true;
}

bool push_address(GENERAL_NAMES* names, const std::string& address) {
  Name name(GENERAL_NAME_new());
  Octets value(a2i_IPADDRESS(address.c_str()));
  if (!name || !value) {
    return false;
  }
  GENERAL_NAME_set0_value(name.get(), GEN_IPADD, value.release());
  if (sk_GENERAL_NAME_push(names, name.get()) == 0) {
    return false;
  }
  static_cast<void>(name.release());
  return true;
}

Status add_names(X509* certificate, const CertificateRequest& request) {
  const Names names(GENERAL_NAMES_new());
  const auto push_all = [&](const std::vector<std::string>& texts, int type) -> Status {
    for (const std::string& text : texts) {
      if (!is_ascii(text)) {
        return fail(ErrorKind::invalid, "\"{}\" cannot be a name in a certificate", text);
      }
      if (!push_text(names.get(), type, text)) {
        return openssl_error("cannot name a certificate");
      }
    }
    return {};
  };
  Status pushed = push_all(request.names, GEN_DNS);
  pushed = pushed ? push_all(request.uris, GEN_URI) : pushed;
  if (!pushed) {
    return pushed;
  }
  for (const std::string& address : request.addresses) {
    if (!push_address(names.get(), address)) {
      ERR_clear_error();
      return fail(ErrorKind::invalid, "\"{}\" is not an IP address", address);
    }
  }
  if (sk_GENERAL_NAME_num(names.get()) > 0 &&
      X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) != 1) {
    return openssl_error("cannot name a certificate");
  }
  return {};
}

Result<Identity> to_pem(X509* certificate, EVP_PKEY* key) {
  const Bio certificate_text(BIO_new(BIO_s_mem()));
  const Bio key_text(BIO_new(BIO_s_mem()));
  if (!certificate_text || !key_text ||
      PEM_write_bio_X509(certificate_text.get(), certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return openssl_error("cannot write a certificate");
  }
  const auto text_of = [](BIO* bio) {
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio, &data);
    return std::string(data, static_cast<std::size_t>(std::max(length, 0L)));
  };
  return Identity{text_of(certificate_text.get()), text_of(key_text.get())};
}

Status check_common_name(const std::string& common_name) {
  if (common_name.size() > 64) {
    return fail(ErrorKind::invalid, "\"{}\" is too long for the name of a certificate (64 bytes)",
                common_name);
  }
  return {};
}

struct Signer {
  Certificate certificate;
  Key key;
};

Result<Signer> read_signer(const Identity& authority) {
  const Bio certificate_text(BIO_new_mem_buf(authority.certificate.data(),
                                             static_cast<int>(authority.certificate.size())));
  const Bio key_text(BIO_new_mem_buf(authority.key.data(), static_cast<int>(authority.key.size())));
  // Without a callback OpenSSL would ask the terminal for a passphrase.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  Signer signer{
      Certificate(PEM_read_bio_X509(certificate_text.get(), nullptr, no_passphrase, nullptr)),
      Key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, no_passphrase, nullptr))};
  if (!signer.certificate || !signer.key ||
      X509_check_private_key(signer.certificate.get(), signer.key.get()) != 1) {
    return openssl_error("cannot use the authority's certificate and key");
  }
  return signer;
}

}  // namespace

Result<Identity> make_authority(const std::string& common_name) {
  if (Status named = check_common_name(common_name); !named) {
    return pass(named.error());
  }
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  X509* made = certificate.get();
  if (!key || made == nullptr || !set_basics(made, key.get(), common_name, 3653 * kDay) ||
      X509_set_issuer_name(made, X509_get_subject_name(made)) != 1 ||
      !add_extension(made, made, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(made, made, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(made, made, NID_subject_key_identifier, "hash") ||
      X509_sign(made, key.get(), EVP_sha256()) == 0) {
    return openssl_error("cannot make a certificate authority");
  }
  return to_pem(made, key.get());
}

Result<Identity> issue(const Identity& authority, const CertificateRequest& request) {
  if (Status named = check_common_name(request.common_name); !named) {
    return pass(named.error());
  }
  const auto signer = read_signer(authority);
  if (!signer) {
    return pass(signer.error());
  }
  constexpr std::string_view kAttempted = "cannot issue a certificate";
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  X509* made = certificate.get();
  X509* issuer = signer->certificate.get();
  const long valid_seconds =
      std::chrono::duration_cast<std::chrono::seconds>(request.validity).count();
  if (!key || made == nullptr || !set_basics(made, key.get(), request.common_name, valid_seconds) ||
      X509_set_issuer_name(made, X509_get_subject_name(issuer)) != 1 ||
      !add_extension(made, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(made, issuer, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(made, issuer, NID_subject_key_identifier, "hash") ||
      !add_extension(made, issuer, NID_authority_key_identifier, "keyid")) {
    return openssl_error(kAttempted);
  }
  if (request.server || request.client) {
    const char* usage = request.server && request.client ? "serverAuth,clientAuth"
                        : request.server                 ? "serverAuth"
                                                         : "clientAuth";
    if (!add_extension(made, issuer, NID_ext_key_usage, usage)) {
      return openssl_error(kAttempted);
    }
  }
  if (Status named = add_names(made, request); !named) {
    return pass(named.error(), kAttempted);
  }
  if (X509_sign(made, signer->key.get(), EVP_sha256()) == 0) {
    return openssl_error(kAttempted);
  }
  return to_pem(made, key.get());
}

Result<UtcTime> end_of(const std::string& certificate) {
  const Bio bio(BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size())));
  const Certificate read(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  std::tm parts{};
  if (!read || ASN1_TIME_to_tm(X509_get0_notAfter(read.get()), &parts) != 1) {
    ERR_clear_error();
    return fail(ErrorKind::invalid, "this is no certificate in PEM");
  }
  return from_millis(static_cast<std::int64_t>(::timegm(&parts)) * 1000);
}

std::string sha256(std::string_view bytes) {
  std::string digest(32, '\0');
  unsigned length = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &length,
             EVP_sha256(), nullptr);
  return digest;
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace provost::os
