// The engine, its memory and its trace. Time has no meaning here: `clk` comes from cocotb.
//
// external = 0: the deterministic memory below answers m_axi_*, its content from memory.hex.
// external = 1: the ports m_axi_* of this module are the engine's, for a memory model in Python.
module tb #(
    parameter AXIL_BITS = 16,
    parameter ADDRESS_BITS = 64,
    parameter DATA_BITS = 64,
    parameter ROW_BITS = 64,
    parameter TOKEN_BITS = 6,
    parameter MEMORY_BEATS = 1024,
    parameter MEMORY_LATENCY = 20,
    parameter MEMORY_INTERVAL = 1,
    parameter CONTROL_ADDRESS = 0,
    parameter START_BIT = 0
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire                    external,
    input  wire [31:0]             fault_read_beat,
    input  wire [31:0]             silent_beat,
    input  wire                    fault_write,
    output wire                    irq,

    input  wire [AXIL_BITS-1:0]    s_axil_awaddr,
    input  wire [2:0]              s_axil_awprot,
    input  wire                    s_axil_awvalid,
    output wire                    s_axil_awready,
    input  wire [31:0]             s_axil_wdata,
    input  wire [3:0]              s_axil_wstrb,
    input  wire                    s_axil_wvalid,
    output wire                    s_axil_wready,
    output wire [1:0]              s_axil_bresp,
    output wire                    s_axil_bvalid,
    input  wire                    s_axil_bready,
    input  wire [AXIL_BITS-1:0]    s_axil_araddr,
    input  wire [2:0]              s_axil_arprot,
    input  wire                    s_axil_arvalid,
    output wire                    s_axil_arready,
    output wire [31:0]             s_axil_rdata,
    output wire [1:0]              s_axil_rresp,
    output wire                    s_axil_rvalid,
    input  wire                    s_axil_rready,

    output wire                    m_axi_arid,
    output wire [ADDRESS_BITS-1:0] m_axi_araddr,
    output wire [7:0]              m_axi_arlen,
    output wire [2:0]              m_axi_arsize,
    output wire [1:0]              m_axi_arburst,
    output wire                    m_axi_arlock,
    output wire [3:0]              m_axi_arcache,
    output wire [2:0]              m_axi_arprot,
    output wire                    m_axi_arvalid,
    input  wire                    m_axi_arready,
    input  wire                    m_axi_rid,
    input  wire [DATA_BITS-1:0]    m_axi_rdata,
    input  wire [1:0]              m_axi_rresp,
    input  wire                    m_axi_rlast,
    input  wire                    m_axi_rvalid,
    output wire                    m_axi_rready,
    output wire                    m_axi_awid,
    output wire [ADDRESS_BITS-1:0] m_axi_awaddr,
    output wire [7:0]              m_axi_awlen,
    output wire [2:0]              m_axi_awsize,
    output wire [1:0]              m_axi_awburst,
    output wire                    m_axi_awlock,
    output wire [3:0]              m_axi_awcache,
    output wire [2:0]              m_axi_awprot,
    output wire                    m_axi_awvalid,
    input  wire                    m_axi_awready,
    output wire [DATA_BITS-1:0]    m_axi_wdata,
    output wire [DATA_BITS/8-1:0]  m_axi_wstrb,
    output wire                    m_axi_wlast,
    output wire                    m_axi_wvalid,
    input  wire                    m_axi_wready,
    input  wire                    m_axi_bid,
    input  wire [1:0]              m_axi_bresp,
    input  wire                    m_axi_bvalid,
    output wire                    m_axi_bready
);
    wire arvalid, rready, awvalid, wvalid, bready;
    wire memory_arready, memory_rlast, memory_rvalid, memory_awready, memory_wready, memory_bvalid;
    wire [DATA_BITS-1:0] memory_rdata;
    wire [1:0] memory_rresp, memory_bresp;

    wire arready = external ? m_axi_arready : memory_arready;
    wire rvalid = external ? m_axi_rvalid : memory_rvalid;
    wire rlast = external ? m_axi_rlast : memory_rlast;
    wire [DATA_BITS-1:0] rdata = external ? m_axi_rdata : memory_rdata;
    wire [1:0] rresp = external ? m_axi_rresp : memory_rresp;
    wire awready = external ? m_axi_awready : memory_awready;
    wire wready = external ? m_axi_wready : memory_wready;
    wire bvalid = external ? m_axi_bvalid : memory_bvalid;
    wire [1:0] bresp = external ? m_axi_bresp : memory_bresp;

    assign m_axi_arvalid = external && arvalid;
    assign m_axi_rready = external && rready;
    assign m_axi_awvalid = external && awvalid;
    assign m_axi_wvalid = external && wvalid;
    assign m_axi_bready = external && bready;

    wire trace_row_valid, trace_row_memory;
    wire [31:0] trace_row_address;
    wire [ROW_BITS-1:0] trace_row_data;
    wire trace_score_valid, trace_keep_valid, trace_layer_valid;
    wire [TOKEN_BITS-1:0] trace_score_position, trace_keep_index, trace_keep_value;
    wire [15:0] trace_layer_index;
    wire signed [31:0] trace_score_value;

    sparsespike_engine engine (
        .clk(clk),
        .rst(rst),
        .irq(irq),
        .s_axil_awaddr(s_axil_awaddr),
        .s_axil_awprot(s_axil_awprot),
        .s_axil_awvalid(s_axil_awvalid),
        .s_axil_awready(s_axil_awready),
        .s_axil_wdata(s_axil_wdata),
        .s_axil_wstrb(s_axil_wstrb),
        .s_axil_wvalid(s_axil_wvalid),
        .s_axil_wready(s_axil_wready),
        .s_axil_bresp(s_axil_bresp),
        .s_axil_bvalid(s_axil_bvalid),
        .s_axil_bready(s_axil_bready),
        .s_axil_araddr(s_axil_araddr),
        .s_axil_arprot(s_axil_arprot),
        .s_axil_arvalid(s_axil_arvalid),
        .s_axil_arready(s_axil_arready),
        .s_axil_rdata(s_axil_rdata),
        .s_axil_rresp(s_axil_rresp),
        .s_axil_rvalid(s_axil_rvalid),
        .s_axil_rready(s_axil_rready),
        .m_axi_arid(m_axi_arid),
        .m_axi_araddr(m_axi_araddr),
        .m_axi_arlen(m_axi_arlen),
        .m_axi_arsize(m_axi_arsize),
        .m_axi_arburst(m_axi_arburst),
        .m_axi_arlock(m_axi_arlock),
        .m_axi_arcache(m_axi_arcache),
        .m_axi_arprot(m_axi_arprot),
        .m_axi_arvalid(arvalid),
        .m_axi_arready(arready),
        .m_axi_rid(external && m_axi_rid),
        .m_axi_rdata(rdata),
        .m_axi_rresp(rresp),
        .m_axi_rlast(rlast),
        .m_axi_rvalid(rvalid),
        .m_axi_rready(rready),
        .m_axi_awid(m_axi_awid),
        .m_axi_awaddr(m_axi_awaddr),
        .m_axi_awlen(m_axi_awlen),
        .m_axi_awsize(m_axi_awsize),
        .m_axi_awburst(m_axi_awburst),
        .m_axi_awlock(m_axi_awlock),
        .m_axi_awcache(m_axi_awcache),
        .m_axi_awprot(m_axi_awprot),
        .m_axi_awvalid(awvalid),
        .m_axi_awready(awready),
        .m_axi_wdata(m_axi_wdata),
        .m_axi_wstrb(m_axi_wstrb),
        .m_axi_wlast(m_axi_wlast),
        .m_axi_wvalid(wvalid),
        .m_axi_wready(wready),
        .m_axi_bid(external && m_axi_bid),
        .m_axi_bresp(bresp),
        .m_axi_bvalid(bvalid),
        .m_axi_bready(bready),
        .trace_row_valid(trace_row_valid),
        .trace_row_memory(trace_row_memory),
        .trace_row_address(trace_row_address),
        .trace_row_data(trace_row_data),
        .trace_score_valid(trace_score_valid),
        .trace_score_position(trace_score_position),
        .trace_score_value(trace_score_value),
        .trace_keep_valid(trace_keep_valid),
        .trace_keep_index(trace_keep_index),
        .trace_keep_value(trace_keep_value),
        .trace_layer_valid(trace_layer_valid),
        .trace_layer_index(trace_layer_index)
    );

    // The start handshake: the later of address and data of a write of CTRL with the start bit set.
    reg address_taken, data_taken, to_control, start_bit;
    wire address_now = s_axil_awvalid && s_axil_awready;
    wire data_now = s_axil_wvalid && s_axil_wready;
    wire control = address_now ? s_axil_awaddr == CONTROL_ADDRESS : to_control;
    wire starts = data_now ? s_axil_wdata[START_BIT] : start_bit;
    wire written = (address_now || address_taken) && (data_now || data_taken);
    wire frame_start = !rst && written && control && starts;

    always @(posedge clk) begin
        address_taken <= !rst && !written && (address_now || address_taken);
        data_taken <= !rst && !written && (data_now || data_taken);
        to_control <= control;
        start_bit <= starts;
    end

    axi_memory #(
        .ADDRESS_BITS(ADDRESS_BITS),
        .DATA_BITS(DATA_BITS),
        .BEATS(MEMORY_BEATS),
        .LATENCY(MEMORY_LATENCY),
        .INTERVAL(MEMORY_INTERVAL)
    ) memory (
        .clk(clk),
        .rst(rst),
        .frame_start(frame_start),
        .fault_read_beat(fault_read_beat),
        .silent_beat(silent_beat),
        .fault_write(fault_write),
        .arvalid(arvalid && !external),
        .arready(memory_arready),
        .araddr(m_axi_araddr),
        .arlen(m_axi_arlen),
        .rvalid(memory_rvalid),
        .rready(rready),
        .rdata(memory_rdata),
        .rresp(memory_rresp),
        .rlast(memory_rlast),
        .awvalid(awvalid && !external),
        .awready(memory_awready),
        .awaddr(m_axi_awaddr),
        .wvalid(wvalid && !external),
        .wready(memory_wready),
        .wdata(m_axi_wdata),
        .wstrb(m_axi_wstrb),
        .wlast(m_axi_wlast),
        .bvalid(memory_bvalid),
        .bready(bready),
        .bresp(memory_bresp)
    );

    trace_writer #(
        .ADDRESS_BITS(ADDRESS_BITS),
        .DATA_BITS(DATA_BITS),
        .ROW_BITS(ROW_BITS),
        .TOKEN_BITS(TOKEN_BITS)
    ) trace (
        .clk(clk),
        .rst(rst),
        .frame_start(frame_start),
        .irq(irq),
        .row_valid(trace_row_valid),
        .row_memory(trace_row_memory),
        .row_address(trace_row_address),
        .row_data(trace_row_data),
        .score_valid(trace_score_valid),
        .score_position(trace_score_position),
        .score_value(trace_score_value),
        .keep_valid(trace_keep_valid),
        .keep_index(trace_keep_index),
        .keep_value(trace_keep_value),
        .layer_valid(trace_layer_valid),
        .layer_index(trace_layer_index),
        .arvalid(arvalid),
        .arready(arready),
        .araddr(m_axi_araddr),
        .arlen(m_axi_arlen),
        .arsize(m_axi_arsize),
        .arburst(m_axi_arburst),
        .rvalid(rvalid),
        .rready(rready),
        .awvalid(awvalid),
        .awready(awready),
        .awaddr(m_axi_awaddr),
        .awlen(m_axi_awlen),
        .awsize(m_axi_awsize),
        .awburst(m_axi_awburst),
        .wvalid(wvalid),
        .wready(wready),
        .wdata(m_axi_wdata),
        .wlast(m_axi_wlast)
    );
endmodule
