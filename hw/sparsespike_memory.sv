
// One write port with an enable per UNIT bits, one registered read port that holds its output.
// A read in the cycle of a write to its address gives the old word. All words start as 0.
module sparsespike_memory #(
  parameter WIDTH = 8,
  parameter DEPTH = 2,
  parameter ADDRESS = 1,
  parameter UNIT = 8
) (
  input clk,
  input [WIDTH/UNIT-1:0] write_enable,
  input [ADDRESS-1:0] write_address,
  input [WIDTH-1:0] write_data,
  input read_enable,
  input [ADDRESS-1:0] read_address,
  output reg [WIDTH-1:0] read_data
);
  reg [WIDTH-1:0] words [0:DEPTH-1];
  integer i;
  initial begin
    read_data = {WIDTH{1'b0}};
    for (i = 0; i < DEPTH; i = i + 1) words[i] = {WIDTH{1'b0}};
  end
  genvar unit;
  generate
    for (unit = 0; unit < WIDTH / UNIT; unit = unit + 1) begin : write
      always @(posedge clk)
        if (write_enable[unit])
          words[write_address][unit*UNIT +: UNIT] <= write_data[unit*UNIT +: UNIT];
    end
  endgenerate
  always @(posedge clk)
    if (read_enable) read_data <= words[read_address];
endmodule

// Written in lines of WORDS words, read in words. A read of a line in the cycle in which it is
// written may give anything: no_rw_check keeps synthesis from building a bypass.
module sparsespike_narrow_memory #(
  parameter WIDTH = 8,
  parameter WORDS = 2,
  parameter LINES = 2,
  parameter LINE_ADDRESS = 1,
  parameter SELECT = 1,
  parameter ADDRESS = 2
) (
  input clk,
  input write_enable,
  input [LINE_ADDRESS-1:0] write_address,
  input [WIDTH*WORDS-1:0] write_data,
  input read_enable,
  input [ADDRESS-1:0] read_address,
  output reg [WIDTH-1:0] read_data
);
  (* no_rw_check *) reg [WIDTH-1:0] words [0:WORDS*LINES-1];
  integer i;
  initial begin
    read_data = {WIDTH{1'b0}};
    for (i = 0; i < WORDS * LINES; i = i + 1) words[i] = {WIDTH{1'b0}};
  end
  generate
    if (WORDS == 1) begin : same
      always @(posedge clk) if (write_enable) words[write_address] <= write_data;
    end else begin : narrower
      integer word;
      always @(posedge clk)
        if (write_enable)
          for (word = 0; word < WORDS; word = word + 1)
            words[{write_address, word[SELECT-1:0]}] <= write_data[word*WIDTH +: WIDTH];
    end
  endgenerate
  always @(posedge clk)
    if (read_enable) read_data <= words[read_address];
endmodule

// As the first, with an unregistered read port.
module sparsespike_register_file #(
  parameter WIDTH = 8,
  parameter DEPTH = 2,
  parameter ADDRESS = 1,
  parameter UNIT = 8
) (
  input clk,
  input [WIDTH/UNIT-1:0] write_enable,
  input [ADDRESS-1:0] write_address,
  input [WIDTH-1:0] write_data,
  input [ADDRESS-1:0] read_address,
  output [WIDTH-1:0] read_data
);
  reg [WIDTH-1:0] words [0:DEPTH-1];
  integer i;
  initial for (i = 0; i < DEPTH; i = i + 1) words[i] = {WIDTH{1'b0}};
  genvar unit;
  generate
    for (unit = 0; unit < WIDTH / UNIT; unit = unit + 1) begin : write
      always @(posedge clk)
        if (write_enable[unit])
          words[write_address][unit*UNIT +: UNIT] <= write_data[unit*UNIT +: UNIT];
    end
  endgenerate
  assign read_data = words[read_address];
endmodule
