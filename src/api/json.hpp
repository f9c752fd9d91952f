// Values of the desk as the native API's JSON (docs/protocols/api.md), and requests read from it.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "base/result.hpp"
#include "service/desk.hpp"
#include "spec/wire.hpp"

namespace provost::api {

boost::json::object to_json(const service::ClusterReport& cluster);
boost::json::object to_json(const service::NodeReport& node);
boost::json::object to_json(const service::Description& description);
boost::json::object to_json(const control::StepView& step);
boost::json::object to_json(const store::Event& event);
boost::json::object to_json(const store::Removal& removal);
boost::json::object to_json(const service::ChangePlan& plan);
boost::json::object to_json(const service::Stray& stray);
boost::json::object to_json(const service::HostReport& host);
boost::json::object to_json(const service::DriftReport& drift);
boost::json::object to_json(const service::IdleReport& report);
boost::json::object to_json(const service::SelftestReport& report);
boost::json::object to_json(const service::CalendarReport& report);
boost::json::array to_json(const std::vector<os::Letter>& letters);
boost::json::object to_json(const service::JobAndWhy& answer);
boost::json::object to_json(const service::PersonReport& person);
boost::json::object to_json(const service::DepartmentReport& department);
boost::json::object to_json(const service::UsageReport& usage);
boost::json::object to_json(const service::OverlayLine& line);
boost::json::object to_json(const service::OverlayReport& report);
boost::json::object to_json(const service::AmendedReport& report);
/// {"verb", "account", "subject", "value", "title", "lead"}. Errors: invalid.
Result<scheduling::Amending> read_amending(const boost::json::object& body);
/// Of a query's texts. Errors: invalid.
Result<service::UsageOrder> read_usage_order(const std::string& by, const std::string& from,
                                             const std::string& to);
boost::json::object to_json(const service::HealthReport& health);
boost::json::object to_json(const service::ReportPart& part);
/// A cluster's files as requests have them.
boost::json::object to_json(const spec::Sources& files);
boost::json::object to_json(const Error& error);

/// The HTTP status of an error.
int http_status(ErrorKind kind);

/// A JSON object of a request's body. Errors: invalid.
Result<boost::json::object> read_body(const std::string& body);

/// "Sources" of a request. Errors: invalid, naming the member that is wrong.
/// What plan and apply are asked: files, "counts" by group, "now".
Result<service::ChangeOrder> read_order(const boost::json::object& body);
/// Which files a request must have: for a new cluster its configuration, for a change any.
enum class Given { configuration, any };
Result<spec::Sources> read_sources(const boost::json::object& body,
                                   Given given = Given::configuration);

/// {"argv": [...], "input": base64, "timeout": seconds}. Errors: invalid.
Result<service::Desk::Command> read_command(const boost::json::object& body);

}  // namespace provost::api
