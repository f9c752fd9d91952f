// What sacctmgr sets on an association or a QoS, as names and values: from limits, compared, and as
// clauses of its `modify`. Pure. Private to this room.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/limits.hpp"
#include "scheduling/accounts.hpp"

namespace provost::scheduling {

/// The name under which a limit stands in `Settings`; `on` is the option: "GrpTRES:gres/gpu".
std::string setting_name(std::string_view on, const model::LimitKind& kind);
/// Its value as sacctmgr shows it again.
std::string setting_value(const model::LimitKind& kind, std::int64_t value);

/// Clauses for `modify ... set`, one command each, in order. What `wanted` has no more gets its
/// initial value. A default QoS is let go before its list changes and set after.
std::vector<std::string> changes(const Settings& seen, const Settings& wanted);

/// By setting: "GrpTRES gres/gpu is 4, not 8"; empty: they agree.
std::map<std::string, std::string> setting_differences(const Settings& wanted,
                                                       const Settings& seen);

/// Adds "cpu=3,gres/gpu=8" as sacctmgr shows it under an option.
void add_tres(Settings& settings, std::string_view option, std::string_view shown);

/// "b,a" as "a,b".
std::string in_order(std::string_view names);

}  // namespace provost::scheduling
