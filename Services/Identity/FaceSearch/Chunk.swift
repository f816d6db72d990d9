import CFaceSearch
import Glibc
import Synchronization

/// Memory for so many templates: the vectors, whole levels of them, and whose they are.
///
/// Sendable although it is a class whose memory is written: a row is written once, by who claimed it, before any `FaceIndex` counts
/// it, and only rows that are counted are read. The levels of a panel are written with its last row and read by who counts all of
/// it.
final class Chunk: @unchecked Sendable {
    static let capacity = 1024

    let width: Int
    let templates: UnsafeMutablePointer<Float>
    let panels: faces_panels
    private let faces: UnsafeMutablePointer<KnownFace>
    private let arrivals: UnsafeMutablePointer<Int>
    private let memory: UnsafeMutableRawPointer
    private let size: Int
    private let claimed = Atomic<Int>(0)

    /// An empty one; `width` is a multiple of `FACES_STEP`. Memory is taken from the system as rows are written, and given back
    /// when the last index that has the chunk is gone: no template outlives it in a heap.
    init(width: Int) {
        self.width = width
        var layout = Layout()
        let templates = layout.place(Float.self, count: Self.capacity * width)
        let levels = layout.place(Int8.self, count: Self.capacity * width)
        let numbers = (0..<3).map { _ in layout.place(Float.self, count: Self.capacity) }
        let offsets = layout.place(Int32.self, count: Self.capacity)
        let faces = layout.place(KnownFace.self, count: Self.capacity)
        let arrivals = layout.place(Int.self, count: Self.capacity)
        size = layout.size
        let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else { fatalError("no memory for \(Self.capacity) more faces") }
        self.memory = memory
        self.templates = memory.bind(templates)
        panels = faces_panels(
            levels: memory.bind(levels), scale: memory.bind(numbers[0]), error: memory.bind(numbers[1]),
            length: memory.bind(numbers[2]), offset: memory.bind(offsets), width: width)
        self.faces = memory.bind(faces)
        self.arrivals = memory.bind(arrivals)
    }

    deinit {
        munmap(memory, size)
    }

    func face(_ row: Int) -> KnownFace { faces[row] }
    func arrival(_ row: Int) -> Int { arrivals[row] }
    func template(_ row: Int) -> UnsafeMutablePointer<Float> { templates + row * width }

    /// Writes the row after the first `count`, unless there is no room or another index has written it.
    func append(_ face: KnownFace, template: UnsafeBufferPointer<Float>, arrival: Int, after count: Int) -> Bool {
        guard count < Self.capacity,
            claimed.compareExchange(expected: count, desired: count + 1, ordering: .relaxed).exchanged
        else { return false }
        faces[count] = face
        arrivals[count] = arrival
        // The memory is the system's, all zeros: what a template is narrower stays so.
        _ = UnsafeMutableBufferPointer(start: self.template(count), count: width).update(fromContentsOf: template)
        let panel = Int(FACES_PANEL)
        if (count + 1) % panel == 0 {
            withUnsafePointer(to: panels) { faces_pack_panel($0, count / panel, self.template(count + 1 - panel)) }
        }
        return true
    }

    /// Where arrays lie in a chunk's memory, each from a page of its own on.
    private struct Layout {
        private(set) var size = 0

        mutating func place<Element>(_: Element.Type, count: Int) -> Place<Element> {
            defer { size += (count * MemoryLayout<Element>.stride + 4095) / 4096 * 4096 }
            return Place(offset: size, count: count)
        }
    }
}

private struct Place<Element> {
    let offset: Int
    let count: Int
}

extension UnsafeMutableRawPointer {
    fileprivate func bind<Element>(_ place: Place<Element>) -> UnsafeMutablePointer<Element> {
        (self + place.offset).bindMemory(to: Element.self, capacity: place.count)
    }
}
