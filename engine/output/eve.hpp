// EVE JSON, field for field as Suricata writes it; our own data stands in one object, `lockstep`.
#pragma once
#include <string>

#include "engine/output/events.hpp"
#include "engine/output/text.hpp"
#include "engine/settings.hpp"

namespace lockstep {

class JsonLine;

// Appends one line an event to `out`, which the caller writes out and reuses. One thread.
class EveWriter {
 public:
  explicit EveWriter(const EveSettings& settings) : payload_(settings.payload), packet_(settings.packet) {}

  void write(std::string& out, const AlertEvent& event);
  void write(std::string& out, const DropEvent& event);
  void write(std::string& out, const FlowEvent& event);
  void write(std::string& out, const AnomalyEvent& event);
  void write(std::string& out, const StatsEvent& event);

 private:
  void header(JsonLine& line, const EventHeader& header, std::string_view type);
  void alert_object(JsonLine& line, const AlertEvent& event);
  void flow_object(JsonLine& line, const FlowFields& flow);
  void evidence(JsonLine& line, const AlertEvent& event);
  void flow_life(JsonLine& line, const FlowEvent& event);

  bool payload_;
  bool packet_;
  TimeText time_;
};

}  // namespace lockstep
