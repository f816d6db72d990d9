import ArgumentParser
import Broker
import FoundationEssentials
import Logging
import Messages
import Operations

/// `gateway dead-letters`: what the stages gave up.
struct DeadLetterCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters", abstract: "List, replay and purge what the stages gave up.",
        subcommands: [List.self, Replay.self, Purge.self], defaultSubcommand: List.self)

    /// Which letters a command is about.
    struct Selection: ParsableArguments {
        @Option(help: "Only letters of this stage: vision, identity, recommender or gateway.")
        var stage: StageName?

        @Option(help: "Only letters of this job; may be given more than once.")
        var job: [String] = []

        /// Settings, of which those of the broker count.
        @Argument(parsing: .allUnrecognized, help: .hidden) var settings: [String] = []

        func visit(_ fate: (DeadLetter) async throws -> DeadLetters.Fate) async throws {
            let commands = DeadLetterCommands.configuration.subcommands.map { $0._commandName }
            let address = try BrokerAddress(try await Settings.load(arguments: settings, commands: commands))
            let letters = DeadLetters(
                address: address, logger: Logger(label: "dead-letters") { _ in SwiftLogNoOpLogHandler() })
            let jobs = Set(job.map { $0.lowercased() })
            try await letters.visit(stage.map { [$0] } ?? StageName.allCases) { letter in
                jobs.isEmpty || jobs.contains(letter.job) ? try await fate(letter) : .keep
            }
        }
    }

    /// Which letters a command changes: all must be meant to be.
    struct Choice: ParsableArguments {
        @OptionGroup var selection: Selection

        @Flag(help: "All letters, of the stage where one is named.")
        var all = false

        func validate() throws {
            guard all != !selection.job.isEmpty else {
                throw ValidationError("Name jobs with --job, or say --all.")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List dead letters, oldest first (default).")

        @OptionGroup var selection: Selection

        @Flag(help: "One JSON object a line.")
        var json = false

        func run() async throws {
            var count = 0
            try await selection.visit { letter in
                count += 1
                print(json ? String(decoding: JSON.encode(Row(letter)), as: UTF8.self) : Row(letter).text)
                return .keep
            }
            if !json { print(count == 1 ? "1 dead letter" : "\(count) dead letters") }
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send dead letters again.",
            discussion: """
                The stage that gave up begins anew. A job that ends well is done, though it was said to have failed. What \
                somebody waited for cannot be sent again: it is kept without its picture or face.
                """)

        @OptionGroup var choice: Choice

        func run() async throws {
            var (sent, kept) = (0, 0)
            try await choice.selection.visit { letter in
                if letter.isReplayable { sent += 1 } else { kept += 1 }
                return letter.isReplayable ? .replay : .keep
            }
            print("\(sent) sent again" + (kept > 0 ? ", \(kept) cannot be" : ""))
        }
    }

    struct Purge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Throw dead letters away.")

        @OptionGroup var choice: Choice

        func run() async throws {
            var purged = 0
            try await choice.selection.visit { _ in
                purged += 1
                return .purge
            }
            print("\(purged) thrown away")
        }
    }

    /// A letter in a list.
    struct Row: Encodable {
        var stage: StageName
        var died: Date?
        var job: String
        var trip: Trip?
        var urgency: Urgency?
        var type: String
        var bytes: Int
        var isReplayable: Bool
        var reason: String

        init(_ letter: DeadLetter) {
            stage = letter.stage
            died = letter.died
            job = letter.job
            trip = letter.header?.trip
            urgency = letter.header?.reply.urgency
            type = letter.type
            bytes = letter.bytes
            isReplayable = letter.isReplayable
            reason = letter.reason
        }

        var text: String {
            [
                died?.formatted(.iso8601) ?? "-", stage.rawValue, job.isEmpty ? "-" : job, trip?.rawValue ?? "-",
                urgency?.rawValue ?? "-", "\(bytes) bytes", isReplayable ? "replayable" : "kept as a note", reason,
            ].joined(separator: "  ")
        }
    }
}

extension StageName: ExpressibleByArgument {}
