import Foundation
import Testing

@testable import ModelManifest

/// A whole manifest, as the training and the set-up write it; one edit at a time breaks it.
struct ManifestFixture {
    var networks: [String: Any]

    init(graph: [String: Any]? = nil) {
        let file: [String: Any] = graph ?? ["file": "a.xml", "sha256": String(repeating: "0a", count: 32)]
        func network(version: String, input: [String: Any], outputs: [String: Int]) -> [String: Any] {
            [
                "version": version, "graph": file, "weights": file, "input": input, "outputs": outputs,
                "licence": "Apache-2.0", "source": "Training", "card": "card.md",
            ]
        }
        func input(_ size: Int, colour: String, template: Bool) -> [String: Any] {
            let channels = colour == "grey" ? 1 : 3
            var input: [String: Any] = [
                "name": "image", "width": size, "height": size, "colour": colour,
                "mean": Array(repeating: 127.5, count: channels), "deviation": Array(repeating: 128, count: channels),
            ]
            if template {
                input["template"] = [
                    [38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041],
                ]
            }
            return input
        }
        var identity = network(
            version: "identity-1", input: input(112, colour: "rgb", template: true), outputs: ["embedding": 512])
        identity["identification"] = [
            "match": 0.45, "enrol": 0.6, "minimumFace": 40, "minimumSharpness": 0,
            "maximumYaw": 0.5,
            "cohort": file.merging(["nearest": 6, "weight": 0.25, "usual": 0.3]) { $1 },
            "rivals": ["count": 3, "weight": 0.5, "usual": 0.25],
        ]
        var expression = network(
            version: "expression-1", input: input(48, colour: "grey", template: true),
            outputs: ["ferplus": 3, "fer": 2, "expression": 2])
        expression["labels"] = ["ferplus": ["neutral", "happiness", "anger"], "fer": ["anger", "neutral"]]
        expression["moods"] = ["happy": ["happiness"], "neutral": ["neutral"], "upset": ["anger"]]
        expression["reaction"] = [
            "tau": 0.9,
            "references": [["name": "happy", "vector": [0.6, 0.8]], ["name": "amused", "vector": [1, 0]]],
        ]
        networks = ["identity": identity, "expression": expression]
        for (name, size) in [("proposal", 12), ("refinement", 24), ("output", 48)] {
            networks[name] = [
                "version": "mtcnn", "weights": file, "input": input(size, colour: "rgb", template: false),
                "licence": "MIT", "source": "PyPI", "card": "card.md",
            ]
        }
    }

    /// Makes the identity network one of two parts, of 384 and 128 values, the second of which weighs 1.4.
    mutating func compose() {
        var whole = networks["identity"] as! [String: Any]
        let first = whole.merging(["version": "own-1", "outputs": ["embedding": 384]]) { $1 }
        let second = whole.merging(["version": "other-1", "outputs": ["embedding": 128], "weight": 1.4]) { $1 }
        for key in ["graph", "weights", "input", "licence", "source", "card"] { whole[key] = nil }
        whole["parts"] = [first, second]
        networks["identity"] = whole
    }

    /// Changes the second part of the identity network.
    mutating func setSecondPart(_ path: [String], _ value: Any?) {
        var whole = networks["identity"] as! [String: Any]
        var parts = whole["parts"] as! [[String: Any]]
        parts[1] = Self.setting(path[...], value, in: parts[1])
        whole["parts"] = parts
        networks["identity"] = whole
    }

    /// Sets the value at a path of keys.
    mutating func set(_ path: [String], _ value: Any?) {
        networks = Self.setting(path[...], value, in: networks)
    }

    private static func setting(_ path: ArraySlice<String>, _ value: Any?, in object: [String: Any]) -> [String: Any] {
        guard let key = path.first else { return object }
        var object = object
        if path.count == 1 {
            object[key] = value
        } else {
            object[key] = setting(path.dropFirst(), value, in: object[key] as? [String: Any] ?? [:])
        }
        return object
    }

    func json(schema: Int = 1) throws -> Data {
        try JSONSerialization.data(withJSONObject: ["schema": schema, "networks": networks])
    }
}

@Suite struct ModelManifestTests {
    @Test func readsEveryNetwork() throws {
        let manifest = try ModelManifest(json: ManifestFixture().json(), directory: "/models")
        let identity = try manifest.identity
        #expect(identity.version == "identity-1")
        #expect(identity.width == 512 && identity.parts.count == 1 && identity.parts[0].weight == 1)
        #expect(identity.identification.match == 0.45)
        #expect(identity.identification.enrol == 0.6)
        #expect(identity.identification.minimumFace == 40)
        #expect(identity.identification.minimumSharpness == 0)
        #expect(identity.identification.maximumYaw == 0.5)
        #expect(identity.identification.cohort?.members == identity.parts[0].network.weights)
        #expect(identity.identification.cohort?.nearest == 6)
        #expect(identity.identification.cohort?.weight == 0.25)
        #expect(identity.identification.cohort?.usual == 0.3)
        #expect(identity.identification.impostors?.count == 3)
        #expect(identity.identification.impostors?.weight == 0.5)
        #expect(identity.identification.impostors?.usual == 0.25)
        #expect(identity.input.template?.points[1] == SIMD2(73.5318, 51.5014))
        let expression = try manifest.expression
        #expect(expression.network.input.colour == .grey)
        #expect(expression.labels["fer"] == ["anger", "neutral"])
        #expect(expression.reaction.references.map(\.name) == ["happy", "amused"])
        #expect(try manifest.proposal.input.width == 12)
        #expect(try manifest.refinement.input.template == nil)
        #expect(try manifest.output.licence == "MIT")
        #expect(manifest.path(of: identity.parts[0].network.graph) == "/models/a.xml")
    }

    @Test func anAbsentNetworkIsNamedWhenAskedFor() throws {
        var fixture = ManifestFixture()
        fixture.set(["proposal"], nil)
        let manifest = try ModelManifest(json: fixture.json(), directory: "/models")
        #expect(throws: ModelManifestError.absent(network: "proposal")) { try manifest.proposal }
    }

    @Test func aNewerSchemaIsRefused() throws {
        #expect(throws: ModelManifestError.unknownSchema(2)) {
            try ModelManifest(json: ManifestFixture().json(schema: 2), directory: "")
        }
    }

    @Test func textThatIsNotJSONIsRefused() {
        #expect(throws: ModelManifestError.self) { try ModelManifest(json: Data("{".utf8), directory: "") }
    }

    /// A key, a value that makes no sense there, and the word of the error that names it.
    struct Nonsense: Sendable {
        var path: [String]
        var value: any Sendable
        var named: String

        init(_ path: [String], _ value: any Sendable, _ named: String) {
            self.path = path
            self.value = value
            self.named = named
        }
    }

    static let nonsense: [Nonsense] = [
        Nonsense(["identity", "version"], "", "version"),
        Nonsense(["identity", "graph", "file"], "../a.xml", "file"),
        Nonsense(["identity", "graph", "file"], "/a.xml", "file"),
        Nonsense(["identity", "weights", "sha256"], "12", "sha256"),
        Nonsense(["identity", "input", "width"], 0, "width"),
        Nonsense(["identity", "input", "colour"], "blue", "colour"),
        Nonsense(["identity", "input", "mean"], [1.0], "mean"),
        Nonsense(["identity", "input", "deviation"], [1.0, 0, 1], "deviation"),
        Nonsense(["identity", "input", "template"], [[1.0, 2]], "template"),
        Nonsense(["identity", "outputs"], ["vector": 512], "embedding"),
        Nonsense(["identity", "identification", "match"], -1, "match"),
        Nonsense(["identity", "identification", "enrol"], 0.1, "enrol"),
        Nonsense(["identity", "identification", "near"], -0.1, "near"),
        Nonsense(["identity", "identification", "claim"], 2.5, "claim"),
        Nonsense(["identity", "identification", "add"], 0.46, "add"),
        Nonsense(["identity", "identification", "same"], -0.1, "same"),
        Nonsense(["identity", "identification", "maximumYaw"], 0, "maximumYaw"),
        Nonsense(["identity", "identification", "minimumProbability"], 1.5, "minimumProbability"),
        Nonsense(["identity", "identification", "cohort", "nearest"], 0, "nearest"),
        Nonsense(["identity", "identification", "cohort", "weight"], -1, "weight"),
        Nonsense(["identity", "identification", "cohort", "usual"], 2, "usual"),
        Nonsense(["identity", "identification", "rivals", "count"], 0, "count"),
        Nonsense(["identity", "identification", "rivals", "weight"], -1, "weight"),
        Nonsense(["identity", "identification", "rivals", "usual"], -2, "usual"),
        Nonsense(["expression", "labels"], ["fer": ["anger", "neutral"]], "ferplus"),
        Nonsense(["expression", "labels"], ["ferplus": ["neutral", "anger"]], "ferplus"),
        Nonsense(["expression", "moods"], ["happy": ["happiness"]], "moods"),
        Nonsense(["expression", "reaction", "tau"], 3, "tau"),
        Nonsense(["expression", "reaction", "references"], [[String: Int]](), "references"),
        Nonsense(["expression", "outputs"], ["ferplus": 0], "outputs"),
        Nonsense(["proposal", "version"], "", "version"),
        Nonsense(["output", "licence"], 7, "licence"),
    ]

    @Test(arguments: nonsense)
    func nonsenseIsRefusedByName(nonsense: Nonsense) throws {
        var fixture = ManifestFixture()
        fixture.set(nonsense.path, nonsense.value)
        let json = try fixture.json()
        let error = #expect(throws: ModelManifestError.self) { try ModelManifest(json: json, directory: "") }
        #expect(error.map { "\($0)".contains(nonsense.named) } == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        ["identity", "version"], ["identity", "input", "template"], ["identity", "identification"],
        ["expression", "moods"], ["expression", "reaction"], ["refinement", "weights"],
        ["identity", "identification", "cohort", "sha256"], ["identity", "identification", "rivals", "count"],
    ])
    func whatIsMissingIsNamed(path: [String]) throws {
        var fixture = ManifestFixture()
        fixture.set(path, nil)
        let json = try fixture.json()
        let error = #expect(throws: ModelManifestError.self) { try ModelManifest(json: json, directory: "") }
        #expect(error.map { "\($0)".contains(path.last ?? "") } == true, "\(String(describing: error))")
    }

    @Test func aVectorMayBeOfSeveralParts() throws {
        var fixture = ManifestFixture()
        fixture.compose()
        let identity = try ModelManifest(json: fixture.json(), directory: "").identity
        #expect(identity.version == "identity-1" && identity.width == 512)
        #expect(identity.parts.map(\.network.version) == ["own-1", "other-1"])
        #expect(identity.parts.map(\.width) == [384, 128])
        #expect(identity.parts.map(\.weight) == [1, 1.4])
        #expect(identity.input.width == 112)
    }

    /// A change to the second of two parts that makes no sense, and the word of the error that names it.
    static let misfits: [Nonsense] = [
        Nonsense(["outputs"], ["embedding": 100], "484"),
        Nonsense(["outputs"], ["vector": 128], "embedding"),
        Nonsense(["weight"], 0, "weight"),
        Nonsense(["weight"], -1, "weight"),
        Nonsense(["version"], "", "version"),
        Nonsense(["weights", "file"], "../a.bin", "file"),
        Nonsense(["input", "width"], 96, "\"other-1\" wants another crop than \"own-1\""),
        Nonsense(["input", "colour"], "bgr", "another crop"),
        Nonsense(["input", "template"], [[1.0, 2], [3, 4], [5, 6], [7, 8], [9, 10]], "another crop"),
    ]

    @Test(arguments: misfits)
    func partsThatDoNotFitAreRefusedByName(misfit: Nonsense) throws {
        var fixture = ManifestFixture()
        fixture.compose()
        fixture.setSecondPart(misfit.path, misfit.value)
        let json = try fixture.json()
        let error = #expect(throws: ModelManifestError.self) { try ModelManifest(json: json, directory: "") }
        #expect(error.map { "\($0)".contains(misfit.named) } == true, "\(String(describing: error))")
    }

    @Test func aPartMayScaleItsInputDifferently() throws {
        var fixture = ManifestFixture()
        fixture.compose()
        fixture.setSecondPart(["input", "mean"], [0, 0, 0])
        fixture.setSecondPart(["input", "deviation"], [1, 1, 1])
        fixture.setSecondPart(["input", "name"], "data")
        #expect(try ModelManifest(json: fixture.json(), directory: "").identity.parts.count == 2)
    }

    @Test(arguments: [["parts"], ["version"], ["outputs"], ["identification"]])
    func whatSeveralPartsNeedIsNamed(path: [String]) throws {
        var fixture = ManifestFixture()
        fixture.compose()
        fixture.set(["identity"] + path, path == ["parts"] ? [Any]() : nil)
        let json = try fixture.json()
        let error = #expect(throws: ModelManifestError.self) { try ModelManifest(json: json, directory: "") }
        #expect(error.map { "\($0)".contains(path[0]) } == true, "\(String(describing: error))")
    }

    @Test func neitherCohortNorImpostorsAreNeeded() throws {
        var fixture = ManifestFixture()
        fixture.set(["identity", "identification", "cohort"], nil)
        fixture.set(["identity", "identification", "rivals"], nil)
        let identification = try ModelManifest(json: fixture.json(), directory: "").identity.identification
        #expect(identification.cohort == nil)
        #expect(identification.impostors == nil)
    }

    @Test func aReferenceMustBeOfUnitLengthAndFit() throws {
        for vector in [[0.5, 0.5], [1, 0, 0]] {
            var fixture = ManifestFixture()
            fixture.set(["expression", "reaction", "references"], [["name": "happy", "vector": vector]])
            let json = try fixture.json()
            #expect(throws: ModelManifestError.self) { try ModelManifest(json: json, directory: "") }
        }
    }

    @Test func filesAreCheckedByTheirSHA256() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "mien-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // FIPS 180-2, appendix B.1.
        let abc = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"
        let fixture = ManifestFixture(graph: ["file": "abc", "sha256": abc])
        try fixture.json().write(to: folder.appending(path: "manifest.json"))
        let manifest = try ModelManifest(directory: folder.path(percentEncoded: false))
        let network = try manifest.identity.parts[0].network
        #expect(throws: ModelManifestError.missing(file: folder.path(percentEncoded: false) + "/abc")) {
            try manifest.verify(network)
        }
        try Data("abc".utf8).write(to: folder.appending(path: "abc"))
        try manifest.verify(network)
        try Data("abd".utf8).write(to: folder.appending(path: "abc"))
        let error = #expect(throws: ModelManifestError.self) { try manifest.verify(network) }
        #expect(error.map { "\($0)".contains("make setup") } == true)
    }

    @Test func aMissingManifestIsNamed() {
        #expect(throws: ModelManifestError.missing(file: "/nowhere/manifest.json")) {
            try ModelManifest(directory: "/nowhere")
        }
    }
}
