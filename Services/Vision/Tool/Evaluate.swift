import ArgumentParser
import Vision

/// `vision evaluate`: the networks measured through the service's own code.
struct Evaluate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the networks through the service's own code.",
        discussion: "Progress goes to standard error; the last line on standard output is one JSON object.",
        subcommands: [LFW.self, FER.self, Triplets.self])

    /// The pictures, and the list that says what is asked of them.
    struct ListOptions: ParsableArguments {
        @Option(help: "The folder of pictures.", completion: .directory)
        var images: String

        @Option(help: "The list.", completion: .file())
        var list: String
    }

    struct LFW: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lfw",
            abstract: "Verification on Labeled Faces in the Wild.",
            discussion: """
                The list has the form of LFW's pairs.txt, the folder of its pictures: NAME/NAME_0001.jpg. Of each picture \
                the face nearest to the middle counts. `threshold` is a cosine distance, the folds' mean.
                """)

        @OptionGroup
        var inputs: ListOptions

        @OptionGroup
        var options: NetworkOptions

        func run() async throws {
            let pairs = try VerificationPairs(try contents(of: inputs.list))
            try printJSON(try await evaluateLFW(pairs, images: inputs.images, lanes: try options.lanes()))
        }
    }

    struct FER: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fer",
            abstract: "Mood and expression on FER2013 with its own and FER+'s labels.",
            discussion: """
                The list is CSV with the columns file, fer_label, fp_neutral ... fp_contempt, fp_unknown, fp_NF, and if \
                there: usage (Training is left out), blank, same_picture_in_heldout (left out where 1).
                """)

        @OptionGroup
        var inputs: ListOptions

        @OptionGroup
        var options: NetworkOptions

        func run() async throws {
            let table = try CommaSeparatedValues(try contents(of: inputs.list))
            try printJSON(try await evaluateFER(table, images: inputs.images, lanes: try options.lanes()))
        }
    }

    struct Triplets: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "triplets",
            abstract: "Which of three expressions is the odd one out.",
            discussion: "The list is CSV with the columns first, second, third (pictures) and odd_one_out (0, 1 or 2).")

        @OptionGroup
        var inputs: ListOptions

        @OptionGroup
        var options: NetworkOptions

        func run() async throws {
            let table = try CommaSeparatedValues(try contents(of: inputs.list))
            try printJSON(try await evaluateTriplets(table, images: inputs.images, lanes: try options.lanes()))
        }
    }
}
