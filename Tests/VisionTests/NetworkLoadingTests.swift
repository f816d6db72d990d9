import Foundation
import Testing

@testable import Vision

@Suite("Loading networks")
struct NetworkLoadingTests {
    @Test("the repository's networks load")
    func whole() throws {
        #expect(try SpoiltModels().complaint() == nil)
        _ = try FaceNetworks(directory: Networks.models + "/int8", lanes: 1)
    }

    @Test("a manifest that is not there is named")
    func noManifest() throws {
        let models = try SpoiltModels()
        try FileManager.default.removeItem(atPath: models.directory + "/manifest.json")
        #expect(try #require(models.complaint()).contains("manifest.json"))
    }

    @Test("a file that is missing is named")
    func missingFile() throws {
        let models = try SpoiltModels()
        try FileManager.default.removeItem(atPath: models.directory + "/third-party/output.bin")
        #expect(try #require(models.complaint()).contains("third-party/output.bin"))
    }

    @Test(
        "weights of another sum are refused", arguments: ["identity.bin", "expression.xml", "third-party/proposal.bin"])
    func wrongSum(file: String) throws {
        let models = try SpoiltModels()
        let url = URL(filePath: models.directory + "/" + file)
        var data = try Data(contentsOf: url)
        data[data.count / 2] ^= 1
        try data.write(to: url)
        let complaint = try #require(models.complaint())
        #expect(complaint.contains(file) && complaint.contains("SHA-256"))
    }

    @Test("an output that the graph does not have is named")
    func missingOutput() throws {
        let models = try SpoiltModels()
        try models.change("identity") { $0["outputs"] = ["embedding": 512, "age": 1] }
        let complaint = try #require(models.complaint())
        #expect(complaint.contains("\"identity\"") && complaint.contains("\"age\""))
    }

    @Test("an output that the service needs must be named")
    func unnamedOutput() throws {
        let models = try SpoiltModels()
        try models.change("identity") { $0["outputs"] = ["vector": 512] }
        #expect(try #require(models.complaint()).contains("embedding"))
    }

    @Test("an input that the graph does not have is named")
    func missingInput() throws {
        let models = try SpoiltModels()
        try models.change("identity") { entry in
            var input = entry["input"] as! [String: Any]
            input["name"] = "picture"
            entry["input"] = input
        }
        #expect(try #require(models.complaint()).contains("\"picture\""))
    }

    @Test("another width than the graph's is refused")
    func wrongWidth() throws {
        let models = try SpoiltModels()
        try models.change("identity") { $0["outputs"] = ["embedding": 256] }
        let complaint = try #require(models.complaint())
        #expect(complaint.contains("512 wide") && complaint.contains("256"))
    }

    @Test("another input size than the graph's is refused")
    func wrongInputSize() throws {
        let models = try SpoiltModels()
        try models.change("identity") { entry in
            var input = entry["input"] as! [String: Any]
            input["width"] = 96
            entry["input"] = input
        }
        #expect(try #require(models.complaint()).contains("96"))
    }

    @Test("a detector's window of another size is refused")
    func wrongWindow() throws {
        let models = try SpoiltModels()
        try models.change("refinement") { entry in
            var input = entry["input"] as! [String: Any]
            input["width"] = 32
            entry["input"] = input
        }
        let complaint = try #require(models.complaint())
        #expect(complaint.contains("\"refinement\"") && complaint.contains("32 x 24") && complaint.contains("24 x 24"))
    }

    @Test("a detector's weights of another number are refused, with their sum right")
    func wrongNumberOfWeights() throws {
        let models = try SpoiltModels()
        let weights = Data(repeating: 0, count: 1000)
        try weights.write(to: URL(filePath: models.directory + "/third-party/proposal.bin"))
        try models.change("proposal") {
            $0["weights"] = [
                "file": "third-party/proposal.bin",
                "sha256": "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53",
            ]
        }
        let complaint = try #require(models.complaint())
        #expect(complaint.contains("\"proposal\"") && complaint.contains("1000 bytes") && complaint.contains("26528"))
    }

    @Test("moods that are not the four are refused")
    func wrongMoods() throws {
        let models = try SpoiltModels()
        try models.change("expression") { entry in
            var moods = entry["moods"] as! [String: Any]
            moods["sad"] = moods.removeValue(forKey: "upset")
            entry["moods"] = moods
        }
        #expect(try #require(models.complaint()).contains("sad"))
    }

    @Test("a graph that is not one is refused in one line")
    func notAGraph() throws {
        let models = try SpoiltModels()
        let text = Data("<net/>".utf8)
        try text.write(to: URL(filePath: models.directory + "/identity.xml"))
        try models.change("identity") { entry in
            entry["graph"] = [
                "file": "identity.xml",
                "sha256": "9d6a064fb2248075588a97f3e7233521dadb5a5eabd1560a849c01b9f4b5c732",
            ]
        }
        let complaint = try #require(models.complaint())
        #expect(!complaint.contains("\n"))
    }

    @Test("a precision that the processor lacks is never chosen")
    func precision() {
        #expect(Precision.fastest.isAvailable && Precision.float32.isAvailable)
        #expect(InferenceError.precision(.bfloat16).description == "this processor does not compute in bf16")
    }

    @Test("a precision that the processor lacks is refused", .enabled(if: !Precision.bfloat16.isAvailable))
    func lackingPrecision() {
        #expect(throws: InferenceError.self) {
            _ = try FaceNetworks(directory: Networks.directory, precision: .bfloat16, lanes: 1)
        }
    }

    @Test("an input of another type is refused, and named")
    func wrongType() throws {
        let models = try SpoiltModels()
        let port = """
            <port id="0" precision="I32" names="image"><dim>-1</dim><dim>3</dim><dim>112</dim><dim>112</dim></port>
            """
        let graph = """
            <net name="integers" version="11"><layers>
            <layer id="0" name="image" type="Parameter" version="opset1">
            <data shape="?,3,112,112" element_type="i32"/><output>\(port)</output></layer>
            <layer id="1" name="embedding" type="Result" version="opset1"><input>\(port)</input></layer>
            </layers><edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/></edges></net>
            """
        try Data(graph.utf8).write(to: URL(filePath: models.directory + "/identity.xml"))
        try models.change("identity") { entry in
            entry["graph"] = [
                "file": "identity.xml", "sha256": "45205c3477af3cfdc08a39e755f83df4287b706f94e3d765997b66f77452bbcb",
            ]
        }
        let complaint = try #require(models.complaint())
        #expect(complaint.contains("\"image\"") && complaint.contains("float32"))
    }

    @Test("a part of the identity vector that is missing is named", .enabled(if: Networks.haveSFace))
    func missingPart() throws {
        let models = try SpoiltModels(alone: false)
        #expect(models.complaint() == nil)
        try FileManager.default.removeItem(atPath: models.directory + "/third-party/sface.bin")
        let complaint = try #require(models.complaint())
        #expect(complaint.contains("third-party/sface.bin") && complaint.contains("make setup"))
        #expect(!complaint.contains("\n"))
    }

    @Test(
        "a part of another sum is refused", .enabled(if: Networks.haveSFace),
        arguments: ["third-party/sface.bin", "sface.xml", "identity-384.xml"])
    func wrongSumOfPart(file: String) throws {
        let models = try SpoiltModels(alone: false)
        let url = URL(filePath: models.directory + "/" + file)
        var data = try Data(contentsOf: url)
        data[data.count / 2] ^= 1
        try data.write(to: url)
        let complaint = try #require(models.complaint())
        #expect(complaint.contains(file) && complaint.contains("SHA-256"))
    }

    @Test("a part of another width than its graph's is refused, and named", .enabled(if: Networks.haveSFace))
    func wrongWidthOfPart() throws {
        let models = try SpoiltModels(alone: false)
        try models.changePart(0) { $0["outputs"] = ["embedding": 256] }
        try models.changePart(1) { $0["outputs"] = ["embedding": 256] }
        let complaint = try #require(models.complaint())
        #expect(complaint.contains("-384\"") && complaint.contains("384 wide") && complaint.contains("256"))
    }

    @Test("parts that do not make 512 values together are refused", .enabled(if: Networks.haveSFace))
    func wrongWidthTogether() throws {
        let models = try SpoiltModels(alone: false)
        try models.change("identity") { entry in
            entry["parts"] = Array((entry["parts"] as! [[String: Any]]).prefix(1))
            entry["outputs"] = ["embedding": 384]
        }
        let complaint = try #require(models.complaint())
        #expect(complaint.contains("384 wide") && complaint.contains("512"))
    }

    @Test("parts that want other crops are refused", .enabled(if: Networks.haveSFace))
    func otherCrops() throws {
        let models = try SpoiltModels(alone: false)
        try models.changePart(1) { part in
            var input = part["input"] as! [String: Any]
            input["height"] = 96
            part["input"] = input
        }
        #expect(try #require(models.complaint()).contains("another crop"))
    }

    @Test("one sentence is all that is said")
    func oneLine() throws {
        let models = try SpoiltModels()
        try models.change("expression") { $0["outputs"] = ["ferplus": 8, "fer": 7, "expression": 17] }
        #expect(try !#require(models.complaint()).contains("\n"))
    }
}
