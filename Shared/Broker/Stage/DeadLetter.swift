package import FoundationEssentials
package import Messages

/// What a stage gave up, as an operator sees it.
package struct DeadLetter: Hashable, Sendable {
    /// The stage that gave up.
    package var stage: StageName
    /// The job's id as the message says it; empty when it never said.
    package var job: String
    /// The job's header; `nil` when this build cannot read it.
    package var header: JobHeader?
    /// The fact's name.
    package var type: String
    /// When it was given up.
    package var died: Date?
    /// Why.
    package var reason: String
    /// How much its body holds.
    package var bytes: Int

    /// Whether it can be sent again: not what somebody waited for, who is gone by now and whose picture or face is too,
    /// and not what this build cannot read.
    package var isReplayable: Bool { header?.reply == .accepted }
}

extension DeadLetter {
    init(_ delivery: Delivery, stage: StageName) {
        self.stage = stage
        job = delivery.properties.correlationID
        type = delivery.properties.type
        died = delivery.properties.timestamp
        reason = delivery.properties.reason ?? "unknown"
        bytes = delivery.body.count
        if let text = delivery.properties.header, case .header(let readable) = HeaderCoding.decode(text) {
            header = readable
        }
    }
}
