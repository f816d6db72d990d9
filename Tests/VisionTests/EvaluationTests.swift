import Foundation
import Testing

@testable import Vision
@testable import VisionTool

@Suite("Evaluation")
struct EvaluationTests {
    @Test("LFW's form is read")
    func pairs() throws {
        let list = try VerificationPairs(
            Data("2\t1\nAda\t1\t12\nAda\t2\tBob_Lee\t1\nBob_Lee 1 2\nAda 1 Cy 10000\n".utf8))
        #expect(list.folds == 2)
        #expect(list.pairs.map(\.isSame) == [true, false, true, false])
        #expect(list.pairs.map(\.fold) == [0, 0, 1, 1])
        #expect(list.pairs[0].second.path == "Ada/Ada_0012.jpg")
        #expect(list.pairs[3].second.path == "Cy/Cy_10000.jpg")
        #expect(list.pictures.count == 6)
    }

    @Test(
        "lists of another form are refused",
        arguments: [
            "", "x\t1\n", "2\t1\nAda 1 2\n", "2\t1\nAda 1 2\nAda 1 2\nAda 1 2\nAda 1 Bob 2\n",
            "2 1\nA 1 x\nA 1 B 1\nA 1 2\nA 1 B 1",
        ])
    func badPairs(text: String) {
        #expect(throws: EvaluationError.self) { _ = try VerificationPairs(Data(text.utf8)) }
    }

    @Test("each fold is judged at the others' best threshold; no face is wrong")
    func crossValidation() {
        let good: [(distance: Float?, isSame: Bool, fold: Int)] = (0..<4).flatMap { fold in
            [(0.1, true, fold), (0.3, true, fold), (0.7, false, fold), (0.9, false, fold)]
        }
        let (accuracy, threshold) = Verification.crossValidated(good, folds: 4)
        #expect(accuracy == 1)
        #expect(abs(threshold - 0.5) < 1e-3)
        let (worse, _) = Verification.crossValidated(good.dropLast() + [(nil, false, 3)], folds: 4)
        #expect(abs(worse - 15.0 / 16) < 1e-9)
    }

    @Test("true acceptance allows exactly the false ones")
    func acceptance() {
        let others = (0..<1000).map { Float($0) / 1000 }
        // One of a thousand may pass: the threshold is the second highest, 0.998.
        #expect(
            Verification.trueAcceptance(
                same: [0.9985, 0.9995, 0.5, 0.998], others: others, samePairs: 5, otherPairs: 1000,
                falseAcceptance: 1e-3)
                == 0.4)
        #expect(
            Verification.trueAcceptance(same: [0.1], others: [], samePairs: 1, otherPairs: 0, falseAcceptance: 1e-3)
                == 1)
    }

    @Test("calibration compares confidence and accuracy by bin")
    func calibration() {
        let calm: [(confidence: Float, isRight: Bool)] = (0..<10).map { (0.8, $0 < 8) }
        #expect(calibrationError(calm) < 1e-6)
        #expect(abs(calibrationError((0..<10).map { (0.9, $0 < 5) }) - 0.4) < 1e-6)
        #expect(calibrationError([(1, true)]) < 1e-6)
    }

    @Test("tables say what is wrong with them")
    func tables() throws {
        #expect(throws: EvaluationError.self) { _ = try CommaSeparatedValues(Data()) }
        #expect(throws: EvaluationError.self) { _ = try CommaSeparatedValues(Data("a,b\n1\n".utf8)) }
        let table = try CommaSeparatedValues(Data("a,b\r\n1,\r\n".utf8))
        #expect(table.rows == [["1", ""]])
        #expect(try table.position(of: "b") == 1)
        #expect(throws: EvaluationError.self) { _ = try table.position(of: "c") }
    }

    @Test("the commands' results have exactly the keys that are asked for")
    func keys() throws {
        func keys(_ value: some Encodable) throws -> Set<String> {
            let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value)) as! [String: Any]
            return Set(object.keys)
        }
        #expect(
            try keys(LFWResult(accuracy: 1, tarAtFAR1e3: 1, tarAtFAR1e5: 1, threshold: 1, pairs: 1, noFace: 0))
                == ["accuracy", "tar_at_far_1e3", "tar_at_far_1e5", "threshold", "pairs", "no_face"])
        #expect(
            try keys(
                FERResult(
                    accuracy4: 1, accuracy7: 1, accuracy8FERPlus: 1, accuracy4FERPlus: 1, ece4: 0, images: 1,
                    majorityImages: 1))
                == [
                    "accuracy4", "accuracy7", "accuracy8_ferplus", "accuracy4_ferplus", "ece4", "images",
                    "majority_images",
                ])
        #expect(
            try keys(TripletsResult(oddOneOut: 1, oddOneOutProbabilities: 1, triplets: 1))
                == ["odd_one_out", "odd_one_out_probabilities", "triplets"])
    }

    @Test("LFW runs from pictures to figures")
    func lfw() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "mien-lfw-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        func add(_ name: String, _ number: Int, _ data: Data) throws {
            let directory = folder.appending(path: name)
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            try data.write(to: directory.appending(path: "\(name)_000\(number).jpg"))
        }
        let obama = try Photos.picture("obama.jpg").image
        try add("Obama", 1, Photos.data("obama.jpg"))
        try add("Obama", 2, Encoded.jpeg(obama.turned(upright: .mirrored)))
        try add("Biden", 1, Photos.data("biden.jpg"))
        try add("Biden", 2, Encoded.jpeg(try Photos.picture("biden.jpg").image.turned(upright: .mirrored)))
        try add("Nobody", 1, Encoded.jpeg(Photos.plain(width: 64, height: 64)))
        let list = try VerificationPairs(
            Data(
                "2 2\nObama 1 2\nBiden 1 2\nObama 1 Biden 2\nObama 2 Biden 1\nObama 1 2\nBiden 1 2\nObama 1 Biden 1\nObama 1 Nobody 1\n"
                    .utf8))
        let result = try await evaluateLFW(list, images: folder.path, lanes: try Networks.lanes())
        #expect(result.noFace == 1)
        #expect(result.pairs == 8)
        #expect(result.accuracy == 0.875)
        #expect(result.tarAtFAR1e3 == 1 && result.tarAtFAR1e5 == 1)
    }

    @Test("FER and triplets run from pictures to figures")
    func fer() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "mien-fer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let lanes = try Networks.lanes()
        let crops = try await lanes.map(["astronaut.png", "obama.jpg", "biden.jpg"]) { analyser, photo in
            try analyser.largestFace(in: Picture(Photos.data(photo), limits: ImageLimits()), smallest: 20)!
                .expressionCrop
        }
        for (number, crop) in crops.enumerated() {
            try Encoded.jpeg(crop).write(to: folder.appending(path: "\(number).jpg"))
        }
        let header =
            "file,usage,fer_label,fp_neutral,fp_happiness,fp_surprise,fp_sadness,fp_anger,fp_disgust,fp_fear,fp_contempt,fp_unknown,fp_NF,blank"
        let rows = [
            "0.jpg,PublicTest,happy,0,10,0,0,0,0,0,0,0,0,0", "1.jpg,PublicTest,happy,4,5,1,0,0,0,0,0,0,0,0",
            "gone.jpg,Training,happy,0,10,0,0,0,0,0,0,0,0,0", "gone.jpg,PublicTest,happy,0,0,0,0,0,0,0,0,0,0,1",
        ]
        let table = try CommaSeparatedValues(Data((header + "\n" + rows.joined(separator: "\n")).utf8))
        let result = try await evaluateFER(table, images: folder.path, lanes: lanes)
        #expect(result.images == 2 && result.majorityImages == 1)
        #expect(result.accuracy8FERPlus == 1 && result.accuracy4FERPlus == 1)

        let triplets = try CommaSeparatedValues(Data("first,second,third,odd_one_out\n0.jpg,0.jpg,1.jpg,2\n".utf8))
        let odd = try await evaluateTriplets(triplets, images: folder.path, lanes: lanes)
        #expect(odd.oddOneOut == 1 && odd.oddOneOutProbabilities == 1 && odd.triplets == 1)

        let bad = try CommaSeparatedValues(Data((header + "\n0.jpg,PublicTest,sleepy,0,10,0,0,0,0,0,0,0,0,0").utf8))
        await #expect(throws: EvaluationError.self) {
            _ = try await evaluateFER(bad, images: folder.path, lanes: lanes)
        }
        let missing = try CommaSeparatedValues(Data("first,second,third,odd_one_out\n0.jpg,x.jpg,1.jpg,2\n".utf8))
        await #expect(throws: (any Error).self) {
            _ = try await evaluateTriplets(missing, images: folder.path, lanes: lanes)
        }
    }
}
