// Supervisors act: what they may change about their departments, and what that means for a campus.
// Pure: the file's campus and the overlay come in, another overlay or a refusal comes out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/campus.hpp"
#include "model/overlay.hpp"

namespace provost::scheduling {

/// An amendment that has no effect beside the file as it is now.
struct VoidAmendment {
  int id = 0;
  std::string why;  ///< "campus.toml has no account nlp"
};

/// Lays an overlay over a campus. What the file does not allow any more has no effect and is told;
/// a limit of the file below that of the overlay holds.
std::vector<VoidAmendment> apply_overlay(model::Campus& campus, const model::Overlay& overlay);

/// "duc is a member of nlp", "nlp is limited to 4 GPUs per user".
std::string words(const model::Amendment& amendment);

/// What somebody asks for.
struct Amending {
  enum class Verb { add_member, remove_member, add_project, remove_project, limit, no_limit };
  Verb verb = Verb::add_member;
  std::string account;  ///< whose member or limit, or what a new project stands below
  std::string subject;  ///< a person, a project, a limit's name
  std::string value{};  ///< of a limit, as campus.toml writes it: "8", "64G", "2d"
  std::string title{};  ///< of a new project
  std::string lead{};   ///< of a new project
};

struct Amender {
  std::string name;
  bool administrator = false;  ///< of the cluster, or root on provostd's host
  UtcTime now{};
};

struct Amended {
  model::Overlay overlay;
  std::string words;    ///< what is so now
  std::string because;  ///< "linh supervises nlp"
};

/// Errors: denied (not theirs to change; a limit beyond what the file allows), not_found (no such
/// account, person, limit), invalid (a name or value), conflict (it is so already; a QoS has the
/// same limit).
Result<Amended> amend(const model::Campus& file, const model::Overlay& overlay,
                      const Amender& amender, const Amending& wanted);

/// Takes an amendment back, with those that need it. Errors: not_found, denied.
Result<Amended> take_back(const model::Campus& file, const model::Overlay& overlay,
                          const Amender& amender, int id);

/// Whether somebody may act on an account of a campus: an administrator on all, a supervisor on
/// their department and its projects. Unlike that, a project's lead has its members alone.
bool supervises(const model::Campus& campus, const std::string& person, const std::string& account);

}  // namespace provost::scheduling
