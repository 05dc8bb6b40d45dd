// Deterministic AXI4 memory: in-order bursts, fixed latency, fixed beats per cycle.
//
// Read beat i of a burst whose address was taken in cycle a is offered from cycle
// max(previous beat + INTERVAL, a + LATENCY) on. Addresses and write beats are always taken.
// The write response is offered LATENCY cycles after a burst's last beat.
// Faults: read beat number `fault_read_beat` of a frame (1-based, 0: none) answers SLVERR, write
// responses answer SLVERR while `fault_write`, and no read beat from number `silent_beat` (1-based,
// 0: none) on is offered.
module axi_memory #(
    parameter ADDRESS_BITS = 64,
    parameter DATA_BITS = 64,
    parameter BEATS = 1024,
    parameter LATENCY = 20,
    parameter INTERVAL = 1
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire                    frame_start,
    input  wire [31:0]             fault_read_beat,
    input  wire [31:0]             silent_beat,
    input  wire                    fault_write,
    input  wire                    arvalid,
    output wire                    arready,
    input  wire [ADDRESS_BITS-1:0] araddr,
    input  wire [7:0]              arlen,
    output wire                    rvalid,
    input  wire                    rready,
    output wire [DATA_BITS-1:0]    rdata,
    output wire [1:0]              rresp,
    output wire                    rlast,
    input  wire                    awvalid,
    output wire                    awready,
    input  wire [ADDRESS_BITS-1:0] awaddr,
    input  wire                    wvalid,
    output wire                    wready,
    input  wire [DATA_BITS-1:0]    wdata,
    input  wire [DATA_BITS/8-1:0]  wstrb,
    input  wire                    wlast,
    output wire                    bvalid,
    input  wire                    bready,
    output wire [1:0]              bresp
);
    localparam LANE_BITS = $clog2(DATA_BITS / 8);
    localparam INDEX_BITS = $clog2(BEATS);

    reg [DATA_BITS-1:0] content [0:BEATS-1];
    reg [31:0] now;

    initial begin
        now = 0;
        $readmemh("memory.hex", content);
    end

    always @(posedge clk) now <= now + 1;

    // Reads: a queue of eight bursts.
    reg [ADDRESS_BITS-1:0] burst_address [0:7];
    reg [7:0] burst_length [0:7];
    reg [31:0] burst_offer [0:7];
    reg [3:0] pushed, popped;
    reg [7:0] beat;
    reg [31:0] next_offer, beat_number;

    wire [2:0] head = popped[2:0];
    wire [ADDRESS_BITS-1:0] read_index = (burst_address[head] >> LANE_BITS) + beat;
    wire read_inside = read_index < BEATS;
    wire silent = silent_beat != 0 && beat_number + 1 >= silent_beat;
    wire faulty = fault_read_beat != 0 && beat_number + 1 == fault_read_beat;

    assign arready = !rst;
    assign rvalid = pushed != popped && now >= burst_offer[head] && now >= next_offer && !silent;
    assign rdata = content[read_index[INDEX_BITS-1:0]];
    assign rresp = !read_inside ? 2'd3 : faulty ? 2'd2 : 2'd0;
    assign rlast = beat == burst_length[head];

    always @(posedge clk) begin
        if (rst) begin
            pushed <= 0;
            popped <= 0;
            beat <= 0;
            beat_number <= 0;
            next_offer <= 0;
        end else begin
            if (arvalid) begin
                burst_address[pushed[2:0]] <= araddr;
                burst_length[pushed[2:0]] <= arlen;
                burst_offer[pushed[2:0]] <= now + LATENCY;
                pushed <= pushed + 1;
            end
            if (rvalid && rready) begin
                next_offer <= now + INTERVAL;
                beat <= rlast ? 8'd0 : beat + 8'd1;
                if (rlast) popped <= popped + 1;
            end
            beat_number <= frame_start ? 0 : beat_number + (rvalid && rready);
        end
    end

    // Writes: one burst after the other.
    reg [ADDRESS_BITS-1:0] write_index;
    reg [31:0] response_offer [0:7];
    reg [3:0] closed, answered;
    reg [DATA_BITS-1:0] merged;
    integer lane;

    wire [ADDRESS_BITS-1:0] write_now = awvalid ? awaddr >> LANE_BITS : write_index;

    always @* begin
        merged = content[write_now[INDEX_BITS-1:0]];
        for (lane = 0; lane < DATA_BITS / 8; lane = lane + 1)
            if (wstrb[lane]) merged[8*lane +: 8] = wdata[8*lane +: 8];
    end

    assign awready = !rst;
    assign wready = !rst;
    assign bvalid = closed != answered && now >= response_offer[answered[2:0]];
    assign bresp = fault_write ? 2'd2 : 2'd0;

    always @(posedge clk) begin
        if (rst) begin
            closed <= 0;
            answered <= 0;
            write_index <= 0;
        end else begin
            write_index <= write_now + wvalid;
            if (wvalid && write_now < BEATS) content[write_now[INDEX_BITS-1:0]] <= merged;
            if (wvalid && wlast) begin
                response_offer[closed[2:0]] <= now + LATENCY;
                closed <= closed + 1;
            end
            if (bvalid && bready) answered <= answered + 1;
        end
    end
endmodule
